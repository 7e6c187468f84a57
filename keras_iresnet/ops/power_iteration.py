"""The largest singular value of any linear operator that comes with its adjoint.

With u held from one call to the next, one iteration a training step follows the slowly moving weights
(Miyato et al., ICLR 2018, algorithm 1; for convolutions as operators, Gouk et al., arXiv:1804.04368). An estimate
from vectors that have not converged is below the norm, never above.
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf


class PowerIteration(NamedTuple):
    """Estimates of norms, differentiable in the operators, and the unit vectors to go on from.

    Attributes:
        sigma: (operators,).
        u: (operators, *range).
    """

    sigma: tf.Tensor
    u: tf.Tensor


def power_iteration(operator: Any, u: tf.Tensor, *, iterations: int = 1) -> PowerIteration:
    """Estimate the norm of A: v <- A^T u / |A^T u|, u <- A v / |A v|, sigma = <u, A v>.

    u and v are held fixed in the gradient, which is then that of a simple singular value: d sigma = <u, dA v>.

    Args:
        operator: a linear map with `apply` and `adjoint` (`maps.Dense`, `maps.Conv2D`); or several, each applied to
            its own vector: `maps.Dense` with kernels (operators, inputs, outputs).
        u: (operators, *range), unit vectors in the ranges (of any length but 0 if there are iterations); for several
            matrices (operators, 1, outputs).
        iterations: how often both steps are taken; 0 gives |A^T u| for u as it stands.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import maps
    >>> from keras_iresnet.ops.power_iteration import power_iteration
    >>> matrix = maps.Dense(tf.constant([[3.0, 0.0], [0.0, 1.0]]))
    >>> print(f"{power_iteration(matrix, tf.ones((1, 2)), iterations=20).sigma[0]:.4f}")
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


def converge(operator: Any, u: tf.Tensor, *, rounds: int = 30, vectors: int = 8) -> PowerIteration:
    """Find the norm for good, by iterating a subspace; no gradient.

    A single vector stalls where the second singular value is close to the first, and no rule on the growth of sigma
    tells a plateau from the top. With k vectors made orthogonal in each round the error falls by the ratio of the
    (k+1)-th singular value to the first, squared (Golub and Van Loan, section 8.2.4).

    Args:
        operator: a linear map with `apply` and `adjoint`.
        u: (1, *range), a vector to start from; the others are random, the same each time.
        rounds: applications of the operator and its adjoint.
        vectors: size k of the subspace.

    Returns:
        `PowerIteration`.
    """
    others = tf.random.stateless_normal((vectors - 1, *u.shape[1:]), (1, 2), dtype=u.dtype)
    (image,) = tf.while_loop(
        lambda image: True,
        lambda image: (operator.apply(_orthonormal(operator.adjoint(image))),),
        (tf.concat([u, others], 0),),
        maximum_iterations=rounds,
    )
    rows = tf.reshape(image, (vectors, -1))
    squares, combinations = _gram(rows)
    longest = tf.reshape(tf.linalg.matvec(rows, combinations[:, -1], transpose_a=True), u.shape)
    sigma = tf.sqrt(tf.maximum(squares[-1:], 0))
    return PowerIteration(tf.stop_gradient(sigma), tf.stop_gradient(_unit(longest, otherwise=u)))


def _orthonormal(vectors):
    """An orthonormal basis of what the vectors (k, *shape) span; as many zeros as it has fewer than k dimensions."""
    rows = tf.reshape(vectors, (vectors.shape[0], -1))
    squares, combinations = _gram(rows)
    noise = rows.shape[0] * float(np.finfo(rows.dtype.as_numpy_dtype).eps) * squares[-1]
    lengths = tf.where(squares > noise, tf.math.rsqrt(tf.maximum(squares, noise)), tf.zeros_like(squares))
    basis = tf.matmul(combinations * lengths, rows, transpose_a=True)
    return tf.reshape(basis, vectors.shape)


def _gram(rows):
    """Eigenvalues, rising, and eigenvectors of the inner products of rows (k, D)."""
    return tf.linalg.eigh(tf.matmul(rows, rows, transpose_b=True))


def _unit(vectors, otherwise=None):
    """Each vector over its length; vectors of zeros stay so, or are replaced."""
    square = tf.reduce_sum(tf.square(vectors), _all_but_first(vectors), keepdims=True)
    unit = vectors * tf.math.rsqrt(tf.maximum(square, float(np.finfo(vectors.dtype.as_numpy_dtype).tiny)))
    return unit if otherwise is None else tf.where(square > 0, unit, otherwise)


def _inner(a, b):
    return tf.reduce_sum(a * b, _all_but_first(a))


def _all_but_first(vectors):
    return list(range(1, vectors.shape.rank))
