"""Random numbers that an example gets wherever it is computed: on one device or on one of many replicas."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def draw_rows(draw: Callable[[tf.Tensor], tf.Tensor], shape: Any, axis: int = 0) -> tf.Tensor:
    """What `draw` gives for the global batch, cut down to the rows of this replica.

    Every replica draws for all of them and takes its own: with one seed, replicas have different numbers, and an
    example has the same on any number of replicas. Drawing numbers that others use costs little beside a training step.
    Replicas hold equal shares of a batch, in order; where a last batch cannot be shared equally, rows of two replicas
    may have the same numbers.

    Args:
        draw: shape -> tensor of that shape.
        shape: of this replica's part, an integer tensor.
        axis: of the batch.

    Returns:
        Tensor of that shape.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops.replicas import draw_rows
    >>> draw_rows(lambda shape: tf.random.stateless_uniform(shape, (0, 1)), tf.constant([4, 2])).shape
    TensorShape([4, 2])
    """
    context = tf.distribute.get_replica_context()
    replicas = 1 if context is None else context.num_replicas_in_sync
    if replicas == 1:
        return draw(shape)
    along = tf.one_hot(axis, tf.size(shape), dtype=shape.dtype)
    whole = draw(shape * (1 + (replicas - 1) * along))
    return tf.slice(whole, tf.cast(context.replica_id_in_sync_group, shape.dtype) * shape * along, shape)


def replica_key() -> tuple[int, int] | None:
    """What sets this replica's random rows apart, to be remembered by: how many replicas there are, and which it is.

    Example:
    >>> from keras_iresnet.ops.replicas import replica_key
    >>> replica_key() is None  # on one device
    True
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    return context.num_replicas_in_sync, int(tf.get_static_value(context.replica_id_in_sync_group))
