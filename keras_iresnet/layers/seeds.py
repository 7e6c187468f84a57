"""Seeds of what is drawn at random: from integers to the pairs that TensorFlow takes, split among layers."""

from collections.abc import Sequence
from typing import TypeAlias

import keras
import tensorflow as tf

Seed: TypeAlias = int | Sequence[int] | tf.Tensor | None

# For a negative seed XLA draws other integers than TensorFlow does without it.
_NON_NEGATIVE = 2**31 - 1


def as_seed(seed: Seed) -> tf.Tensor | None:
    """`None`, an integer or a pair of integers -> `None` or a (2,) int32 tensor without negative numbers."""
    if seed is None:
        return None
    kept = tf.bitwise.bitwise_and(tf.cast(tf.convert_to_tensor(seed), tf.int32), _NON_NEGATIVE)
    return tf.stack([kept, tf.zeros_like(kept)]) if kept.shape.rank == 0 else kept


def split_seed(seed: tf.Tensor | None, count: int) -> list[tf.Tensor | None]:
    """Independent seeds for `count` layers; `None` gives `None` to each."""
    if seed is None:
        return [None] * count
    return tf.unstack(tf.bitwise.bitwise_and(tf.random.split(seed, count), _NON_NEGATIVE))


def draw_seed(generator: keras.random.SeedGenerator) -> tf.Tensor:
    """The next seed (2,) of a `keras.random.SeedGenerator`: the same on every replica, see `ops.replicas`."""
    return as_seed(generator.next())
