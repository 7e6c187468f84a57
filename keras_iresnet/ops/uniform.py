"""Uniform random numbers that are the same however the operations around them are compiled."""

from typing import Any

import tensorflow as tf

# dtype -> the integers that its numbers are made of, their bits, and the bits that the dtype holds.
_SOURCES = {tf.float32: (tf.uint32, 32, 24), tf.float64: (tf.uint64, 64, 53)}


def uniform(shape: Any, seed: Any, dtype: Any = tf.float32) -> tf.Tensor:
    """Multiples of 2^-24 (2^-53 in float64) in [0, 1), each as probable as the others.

    For one seed TensorFlow's own floats are others where XLA compiles them; its integers are the same.

    Args:
        shape: of the result.
        seed: pair of integers.
        dtype: float32 or float64.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops.uniform import uniform
    >>> compiled = tf.function(uniform, jit_compile=True)
    >>> bool(tf.reduce_all(compiled((3, 2), (0, 1)) == uniform((3, 2), (0, 1))))
    True
    """
    integers, width, kept = _SOURCES[tf.as_dtype(dtype)]
    bits = tf.random.stateless_uniform(shape, seed, None, None, integers)
    return tf.cast(tf.bitwise.right_shift(bits, tf.constant(width - kept, integers)), dtype) * 2.0**-kept
