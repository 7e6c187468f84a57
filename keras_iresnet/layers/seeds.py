"""Seeds of what is drawn at random: from integers to the pairs that TensorFlow takes, split among layers."""

import tensorflow as tf


def as_seed(seed):
    """`None`, an integer or a pair of integers -> `None` or a (2,) int32 tensor."""
    if seed is None:
        return None
    seed = tf.cast(tf.convert_to_tensor(seed), tf.int32)
    return tf.stack([seed, tf.zeros_like(seed)]) if seed.shape.rank == 0 else seed


def split_seed(seed, count):
    """Independent seeds for `count` layers; `None` gives `None` to each."""
    if seed is None:
        return [None] * count
    return tf.unstack(tf.random.split(seed, count))


def draw_seed(generator):
    """The next seed (2,) of a `keras.random.SeedGenerator`: the same on every replica, see `ops.replicas`."""
    return as_seed(generator.next())
