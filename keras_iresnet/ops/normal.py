"""Normal random numbers that are the same however the operations around them are compiled."""

import math
from typing import Any

import tensorflow as tf

# dtype -> integers that a uniform number is made of, the bits of the first of them, and all of its bits.
_SOURCES = {tf.float32: (1, 23, 23), tf.float64: (2, 20, 52)}
_LEAST = 1e-7  # what the logarithm is taken of


def normal(shape: Any, seed: Any, dtype: Any = tf.float32) -> tf.Tensor:
    """What `tf.random.stateless_normal` gives where Python runs, to rounding; XLA's own are others for the same seed.

    Pairs of uniform numbers make pairs of normal ones (Box and Muller, Annals of Mathematical Statistics, 1958):

        sqrt(-2 ln u) sin(2 pi v),  sqrt(-2 ln u) cos(2 pi v)

    Args:
        shape: of the result.
        seed: pair of integers.
        dtype: float32 or float64.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops.normal import normal
    >>> compiled = tf.function(normal, jit_compile=True)
    >>> bool(tf.reduce_all(abs(compiled((3, 2), (0, 1)) - normal((3, 2), (0, 1))) < 1e-5))
    True
    """
    dtype = tf.as_dtype(dtype)
    integers, first_bits, all_bits = _SOURCES[dtype]
    count = tf.reduce_prod(shape)
    pairs = (count + 1) // 2
    bits = tf.random.stateless_uniform((pairs, 2, integers), seed, None, None, tf.uint32)
    first = tf.bitwise.bitwise_and(bits[..., 0], tf.constant(2**first_bits - 1, tf.uint32))
    uniform = tf.cast(first, dtype)
    if integers == 2:
        uniform = uniform * 2.0**32 + tf.cast(bits[..., 1], dtype)
    uniform = uniform * 2.0**-all_bits
    length = tf.sqrt(-2 * tf.math.log(tf.maximum(uniform[:, :1], _LEAST)))
    angle = 2 * math.pi * uniform[:, 1:]
    drawn = length * tf.concat([tf.sin(angle), tf.cos(angle)], 1)
    return tf.reshape(tf.reshape(drawn, [-1])[:count], shape)
