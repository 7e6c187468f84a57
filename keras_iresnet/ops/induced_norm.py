"""Norms of linear operators from l_p to l_q that have a closed form, or a bound of one: no iteration, no estimate.

With columns the images of single inputs and rows what single outputs read, for 1/p + 1/p' = 1

    |W|_(1 -> q) = max over inputs of |column|_q,        |W|_(p -> inf) = max over outputs of |row|_p',
    |W|_(p -> p) <= |W|_(1 -> 1)^(1/p) |W|_(inf -> inf)^(1 - 1/p)      (Riesz and Thorin)

A convolution's columns and rows hold its kernel's entries, each at most once: those of all taps bound them, and are
them wherever no tap falls into the padding.
"""

import math

import tensorflow as tf


def has_closed_form(p: float, q: float) -> bool:
    """Whether `induced_norm` knows this pair.

    Example:
    >>> import math
    >>> from keras_iresnet.ops.induced_norm import has_closed_form
    >>> has_closed_form(1, 2), has_closed_form(math.inf, math.inf), has_closed_form(2, 1)
    (True, True, False)
    """
    return p >= 1 and q >= 1 and (p in (1, q) or q == math.inf)


def induced_norm(kernel: tf.Tensor, p: float, q: float) -> tf.Tensor:
    """A bound of max |W x|_q / |x|_p, exact for dense kernels unless 1 < p = q < inf, differentiable.

    Args:
        kernel: (taps..., inputs, outputs), of a dense layer or a convolution.
        p: of the inputs, 1 to inf.
        q: of the outputs; p = 1, q = inf or p = q.

    Returns:
        Scalar.

    Raises:
        ValueError: another pair.

    Reference: Chen et al., Residual Flows, NeurIPS 2019, section 3.3 and appendix D, where the pairs without a closed
    form are estimated by a power iteration, which proves nothing.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops.induced_norm import induced_norm
    >>> kernel = tf.constant([[1.0, -2.0], [3.0, 1.0]])  # (inputs, outputs)
    >>> float(induced_norm(kernel, 1, 1)), float(induced_norm(kernel, float("inf"), float("inf")))
    (4.0, 4.0)
    """
    if not has_closed_form(p, q):
        raise ValueError(f"`p` must be 1, or `q` infinite, or both be equal. Received: p={p!r}, q={q!r}")
    kernel = tf.abs(tf.reshape(kernel, (-1, *kernel.shape[-2:])))
    if p == 1:
        return tf.reduce_max(_lengths(kernel, q, (0, 2)))
    if q == math.inf:
        return tf.reduce_max(_lengths(kernel, 1.0 if p == math.inf else p / (p - 1), (0, 1)))
    by_column, by_row = (tf.reduce_max(_lengths(kernel, 1.0, axes)) for axes in ((0, 2), (0, 1)))
    least = tf.constant(1e-30, kernel.dtype)  # a power of 0 has no gradient
    return tf.maximum(by_column, least) ** (1 / p) * tf.maximum(by_row, least) ** (1 - 1 / p)


def _lengths(magnitudes, p, axes):
    """The l_p norms along some axes, scaled by the largest entry so that no power over- or underflows."""
    largest = tf.reduce_max(magnitudes, axes, keepdims=True)
    if p == math.inf:
        return largest
    if p == 1:
        return tf.reduce_sum(magnitudes, axes)
    safe = tf.stop_gradient(tf.where(largest > 0, largest, tf.ones_like(largest)))
    powers = tf.reduce_sum((magnitudes / safe) ** p, axes)
    positive = tf.where(powers > 0, powers, tf.ones_like(powers))
    return tf.reshape(safe, tf.shape(powers)) * tf.where(powers > 0, positive ** (1 / p), powers)
