"""What a density p(x | c) is conditioned on: labels or vectors, and how they travel with the examples."""

from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.ops.checks import require


def as_condition(condition: Any, size: int | None, dtype: str) -> tf.Tensor | None:
    """Labels (batch,) or vectors (batch, size) -> vectors (batch, size), those of labels being unit vectors.

    Raises:
        ValueError: there is no condition and should be one, or the other way round; the shape or a label does not fit.

    Example:
    >>> from keras_iresnet.models.condition import as_condition
    >>> as_condition([2, 0], 3, "float32").numpy().tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    if (condition is None) != (size is None):
        raise ValueError(
            "A `condition` must be given if and only if the flow has a `condition_size`. "
            f"Received: condition_size={size}, condition={'none' if condition is None else 'one'}"
        )
    if condition is None:
        return None
    condition = tf.convert_to_tensor(condition)
    labels = condition.dtype.is_integer
    if condition.shape.rank is not None and not condition.shape[1:].is_compatible_with([] if labels else [size]):
        raise ValueError(
            f"`condition` must be integer labels (batch,) or vectors (batch, {size}). "
            f"Received: {condition.dtype.name} of shape {tuple(condition.shape)}"
        )
    if not labels:
        return tf.cast(condition, dtype)
    valid = (condition >= 0) & (condition < tf.cast(size, condition.dtype))
    message = f"Labels must lie in [0, {size})."
    condition = require(condition, valid, message, lambda: str(condition[~valid][0].numpy()))
    return tf.one_hot(condition, size, dtype=dtype)


def check_pairs(x: Any) -> None:
    """Refuse examples that come without conditions."""
    if not isinstance(x, tuple | list) or len(x) < 2:
        raise ValueError(
            "A conditional flow must be given pairs (examples, conditions), as arrays `x` and `y` or as a data set. "
            f"Received: examples alone, {type(x).__name__}"
        )


def with_condition(data: Any, size: int | None) -> Any:
    """A batch (x, c) -> ((x, c), c), as Keras's steps get their data; what is paired already stays."""
    x, condition, weight = keras.utils.unpack_x_y_sample_weight(data)
    if size is None or condition is None:
        return data
    return keras.utils.pack_x_y_sample_weight((x, condition), condition, weight)
