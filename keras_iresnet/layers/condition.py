"""What a density p(x | c) is conditioned on: labels or vectors."""

from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.ops.checks import require


def as_condition(condition: Any, size: int | None, dtype: str, batch: Any = None) -> tf.Tensor | None:
    """Labels (batch,) or vectors (batch, size) -> vectors (batch, size), those of labels being unit vectors.

    Args:
        condition: integer labels or vectors, or `None`.
        size: length of the vectors; `None` for p(x).
        dtype: of the vectors that are returned.
        batch: how many there must be, where that is known.

    Raises:
        ValueError: there is no condition and should be one, or the other way round; the shape or a label does not fit.

    Example:
    >>> from keras_iresnet.layers.condition import as_condition
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
    if not condition.shape.is_compatible_with([None] if labels else [None, size]):
        raise ValueError(
            f"`condition` must be integer labels (batch,) or vectors (batch, {size}). "
            f"Received: {condition.dtype.name} of shape {tuple(condition.shape)}"
        )
    if batch is not None:
        count = tf.shape(condition)[0]
        message = "There must be a `condition` for each example."
        condition = require(
            condition, count == batch, message, lambda: f"{int(count)} of them, for {int(batch)} examples"
        )
    if not labels:
        return tf.cast(condition, dtype)
    wide = tf.cast(condition, tf.int64)  # a small type may not hold `size`
    valid = (wide >= 0) & (wide < size)
    message = f"Labels must lie in [0, {size})."
    wide = require(wide, valid, message, lambda: str(condition[~valid][0].numpy()))
    return tf.one_hot(wide, size, dtype=dtype)


def condition_for(condition: Any, size: int | None, dtype: tf.DType, batch_shape: tf.Tensor) -> tf.Tensor | None:
    """A condition as distributions take it, for examples (*batch_shape, *event), as vectors (examples, size).

    Args:
        condition: labels or vectors (..., size), whose shape before the vectors' axis is broadcast to `batch_shape`.
        size: length of the vectors; `None` for p(x).
        dtype: of the vectors.
        batch_shape: integer vector.

    Raises:
        ValueError: as for `as_condition`, or the shapes cannot be broadcast.
    """
    if condition is None or size is None:
        return as_condition(condition, size, dtype)
    condition = tf.convert_to_tensor(condition)
    labels = condition.dtype.is_integer
    own = condition.shape if labels else condition.shape[:-1]
    flat = tf.reshape(condition, [-1] if labels or not condition.shape.rank else [-1, condition.shape[-1]])
    vectors = tf.reshape(as_condition(flat, size, dtype), [*tf.unstack(tf.shape(condition))[: own.rank], size])
    known = tf.get_static_value(batch_shape)
    if known is not None and _broadcast(own, known) is None:
        raise ValueError(
            f"`condition` must hold a label or a vector of {size} for each point, of shape {tuple(map(int, known))} or "
            f"what can be broadcast. Received: {condition.dtype.name} of shape {tuple(condition.shape)}"
        )
    return tf.reshape(tf.broadcast_to(vectors, tf.concat([batch_shape, [size]], 0)), (-1, size))


def condition_size_of(layer: keras.layers.Layer) -> int | None:
    """The length of the conditions that the branches in a layer take, or `None` where none takes any.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.layers.condition import condition_size_of
    >>> condition_size_of(ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((4,), condition_size=3)))
    3
    """
    sizes = (getattr(inner, "condition_size", None) for inner in layers_in(layer))
    return next((size for size in sizes if size is not None), None)


def _broadcast(shape, target):
    """`target`, where `shape` can be broadcast to it; otherwise `None`."""
    try:
        found = tf.broadcast_static_shape(shape, tf.TensorShape(target))
    except ValueError:
        return None
    return found if found.is_compatible_with(target) else None
