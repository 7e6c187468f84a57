"""The largest singular value of any linear operator that comes with its adjoint.

With u held from one call to the next, one iteration a training step follows the slowly moving weights
(Miyato et al., ICLR 2018, algorithm 1; for convolutions as operators, Gouk et al., arXiv:1804.04368). An estimate
from vectors that have not converged is below the norm, never above.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf


class PowerIteration(NamedTuple):
    """An estimate of the norm, differentiable in the operator, and the unit vector u to go on from."""

    sigma: tf.Tensor
    u: tf.Tensor


def power_iteration(operator, u, *, iterations=1):
    """Estimate the norm of A: v <- A^T u / |A^T u|, u <- A v / |A v|, sigma = <u, A v>.

    u and v are held fixed in the gradient, which is then that of a simple singular value: d sigma = <u, dA v>.

    Args:
        operator: a linear map with `apply` and `adjoint` (`maps.Dense`, `maps.Conv2D`).
        u: unit vector in the operator's range (of any length but 0 if there are iterations).
        iterations: how often both steps are taken; 0 gives |A^T u| for u as it stands.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import maps
    >>> from keras_iresnet.ops.power_iteration import power_iteration
    >>> matrix = maps.Dense(tf.constant([[3.0, 0.0], [0.0, 1.0]]))
    >>> print(f"{power_iteration(matrix, tf.ones((1, 2)), iterations=20).sigma.numpy():.4f}")
    3.0000
    """
    if iterations == 0:
        image = operator.adjoint(u)
        return PowerIteration(_inner(tf.stop_gradient(_unit(image)), image), u)
    for _ in range(iterations):
        v = tf.stop_gradient(_unit(operator.adjoint(u)))
        image = operator.apply(v)
        u = tf.stop_gradient(_unit(image, otherwise=u))
    return PowerIteration(_inner(u, image), u)


def converge(operator, u, *, tolerance=1e-3, max_iterations=1000):
    """Iterate until sigma is within `tolerance` (relative) of its limit; no gradient.

    The growth of sigma falls by a factor r an iteration, so growth * r / (1 - r) is still to come: a small growth
    alone would stop early where r is near 1.

    Returns:
        `PowerIteration`.
    """
    noise = 4 * float(np.finfo(u.dtype.as_numpy_dtype).eps)

    def growing(sigma, growth, to_come, u):
        del u
        return (to_come > tolerance * sigma) & (growth > noise * sigma)

    def advance(sigma, growth, to_come, u):
        del to_come
        step = power_iteration(operator, u)
        new_growth = step.sigma - sigma
        ratio = tf.clip_by_value(tf.math.divide_no_nan(new_growth, growth), 0, 1 - 1e-4)
        return step.sigma, new_growth, new_growth * ratio / (1 - ratio), step.u

    first = power_iteration(operator, u)
    start = (first.sigma, first.sigma, first.sigma, first.u)
    sigma, _, _, u = tf.while_loop(growing, advance, start, maximum_iterations=max_iterations)
    return PowerIteration(tf.stop_gradient(sigma), tf.stop_gradient(u))


def _unit(vector, otherwise=None):
    """vector / |vector|; a vector of zeros stays so, or is replaced."""
    square = tf.reduce_sum(tf.square(vector))
    unit = vector * tf.math.rsqrt(tf.maximum(square, float(np.finfo(vector.dtype.as_numpy_dtype).tiny)))
    return unit if otherwise is None else tf.where(square > 0, unit, otherwise)


def _inner(a, b):
    return tf.reduce_sum(a * b)
