"""Events, the shape of one example, at the end of shapes whose batch may have any rank, or none that is known."""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from keras_iresnet.ops.checks import require

Shape: TypeAlias = tuple[Any, ...]  # integers, the batch first; None where one is not known


def event_shapes(
    layer: keras.layers.Layer, event_shape: Sequence[int] | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of one example before and after the layer, which is built if it was not.

    Args:
        layer: an `InvertibleLayer`.
        event_shape: before it; `None` where it has been built.

    Raises:
        ValueError: no shape, another one than the layer was built for, or more or fewer latents than data.
    """
    if not layer.built:
        if event_shape is None:
            raise ValueError("`layer` must be built, or `event_shape` be given. Received: event_shape=None")
        layer.build((None, *event_shape))
    shape = tuple(layer.input_spec.shape)
    if event_shape is not None and tuple(event_shape) != shape[1:]:
        raise ValueError(
            f"`event_shape` must be what the layer was built for, {shape[1:]}. Received: event_shape={event_shape}"
        )
    data, latents = shape[1:], tuple(layer.compute_output_shape(shape))[1:]
    if None in data or math.prod(data) != math.prod(latents):
        raise ValueError(
            "A bijector needs a static event shape and as many latents as data. "
            f"Received: event_shape={data}, latent shape={latents}"
        )
    return data, latents


def replace_event(shape: tf.TensorShape, event: Sequence[int], other: Sequence[int]) -> tf.TensorShape:
    """A static shape (..., *event) -> (..., *other), as far as it is known.

    Raises:
        ValueError: the event is another one.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.layers.event_shape import replace_event
    >>> replace_event(tf.TensorShape((None, 5, 4, 4, 1)), (4, 4, 1), (16,))
    TensorShape([None, 5, 16])
    """
    batch_rank = None if shape.rank is None else shape.rank - len(event)
    if batch_rank is None:
        return tf.TensorShape(other)
    if batch_rank < 0 or not shape[batch_rank:].is_compatible_with(event):
        raise ValueError(f"An event must have shape {event}. Received: shape={shape}")
    return shape[:batch_rank].concatenate(other)


def require_event(x: tf.Tensor, event: Sequence[int]) -> tf.Tensor:
    """Return x of shape (..., *event); what is not known of its shape is checked when it is.

    Raises:
        ValueError: the event is another one; `tf.errors.InvalidArgumentError` where that turns out in a graph.
    """
    replace_event(x.shape, event, ())
    if x.shape.rank is not None and x.shape[-len(event) :].is_fully_defined():
        return x
    fits = tf.reduce_all(tf.equal(tf.shape(x)[-len(event) :], event))
    return require(x, fits, f"An event must have shape {event}.")
