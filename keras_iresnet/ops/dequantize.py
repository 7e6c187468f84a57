"""Integers in bins <-> points of [0, 1): x = (k + u) / bins with uniform noise u.

The density of x bounds the probability of k: log2 P(k) >= E_u[log2 p(x)] - D log2(bins)
(Theis et al., ICLR 2016, section 3.1), which is what bits per dimension report.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet.ops.replicas import draw_rows
from keras_iresnet.ops.uniform import uniform


def dequantize(images: Any, seed: Any, *, bins: int, dtype: Any = tf.float32) -> tf.Tensor:
    """Integer images in [0, bins) -> points of (0, 1), (batch, *event), with noise drawn from `seed`.

    The noise keeps away from the edges of its bin by the rounding error of `dtype`, so that `quantize` gives the
    same images back.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops.dequantize import dequantize, quantize
    >>> images = tf.constant([[0, 7, 16]], tf.uint8)
    >>> quantize(dequantize(images, (1, 2), bins=17), bins=17).numpy().tolist()
    [[0, 7, 16]]
    """
    edge = bins * np.finfo(tf.as_dtype(dtype).as_numpy_dtype).eps
    noise = edge + (1 - 2 * edge) * draw_rows(lambda shape: uniform(shape, seed, dtype), tf.shape(images))
    # Where the divisor is constant a graph multiplies by its inverse: done here, eager results are the same.
    return (tf.cast(images, dtype) + noise) * (1 / bins)


def quantize(x: tf.Tensor, *, bins: int) -> tf.Tensor:
    """Points of [0, 1) -> the integer images whose bins they lie in; what lies outside goes to the nearest bin."""
    images = tf.clip_by_value(tf.floor(x * bins), 0, bins - 1)
    return tf.cast(images, tf.uint8 if bins <= 256 else tf.uint16 if bins <= 65536 else tf.int32)
