"""What a density p(x | c) is conditioned on: labels or vectors, and how they travel with the examples."""

import tensorflow as tf

from keras_iresnet.ops.checks import require


def as_condition(condition, size, dtype):
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


def paired(x, y):
    """Examples and their conditions as Keras's inputs ((x, c), no targets), from arrays or a data set of pairs.

    Raises:
        ValueError: a data set of examples alone.
    """
    if isinstance(x, tf.data.Dataset):
        if isinstance(x.element_spec, tuple) and len(x.element_spec) == 1:
            return x, None  # Keras hands on what `fit` was given to validate on
        if not isinstance(x.element_spec, tuple) or len(x.element_spec) != 2:
            raise ValueError(
                "The data set of a conditional flow must give pairs (examples, conditions). "
                f"Received: element_spec={x.element_spec}"
            )
        return x.map(lambda *pair: (pair,)), None
    return (x, None) if y is None else ((x, y), None)
