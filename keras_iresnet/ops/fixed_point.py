"""Solves x + g(x) = y for contractive g, with gradients by the implicit function theorem.

    x_(n+1) = y - g(x_n),  x_0 = y                                     (Behrmann et al. 2019, algorithm 1)

converges at the rate L = Lip(g) < 1, and |x_n - x*| <= L / (1 - L) |x_n - x_(n-1)|.

With F(x) = x + g(x; w) and J = dg/dx at the solution, dx = (I + J)^-1 (dy - dg/dw dw). So the gradient needs one
more solve of the same kind, with J^T in the place of g, and nothing of the loop is kept in memory.
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_iresnet.ops import maps

DEFAULT_MAX_STEPS = 1000
_EPSILONS_OF_TOLERANCE = 16  # above the noise of a convolution's sums, so that the loop can end


class FixedPointResult(NamedTuple):
    """A solution and how it was reached, per sample.

    Attributes:
        x: (batch, *event), the solution.
        steps: (batch,) int32, evaluations of g until the sample converged.
        residual: (batch,), |x + g(x) - y| / (sqrt(D) + |y|) at the last step, in the Euclidean norm.
        converged: (batch,) bool, whether the residual fell to the tolerance.
    """

    x: tf.Tensor
    steps: tf.Tensor
    residual: tf.Tensor
    converged: tf.Tensor


def default_tolerance(dtype: Any) -> float:
    """The relative residual that `dtype` can reach: 16 units of its rounding, 1.9e-6 in float32."""
    return _EPSILONS_OF_TOLERANCE * float(np.finfo(tf.as_dtype(dtype).as_numpy_dtype).eps)


def fixed_point(
    g: Any, y: tf.Tensor, *, tolerance: float | None = None, max_steps: int = DEFAULT_MAX_STEPS
) -> FixedPointResult:
    """Solve x + g(x) = y, each sample to its own convergence.

    A sample that has converged is not changed any more, so its solution does not depend on the rest of its batch.

    Args:
        g: a map of `keras_iresnet.ops.maps`, or any differentiable callable (batch, *event) -> (batch, *event).
        y: (batch, *event) tensor.
        tolerance: relative residual to stop at; `None` takes `default_tolerance` of y's dtype.
        max_steps: static bound on the number of steps.

    Returns:
        `FixedPointResult`. `x` is differentiable with respect to y and to what g depends on.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops.fixed_point import fixed_point
    >>> result = fixed_point(lambda x: 0.5 * tf.sin(x), tf.constant([[1.0], [2.0]]))
    >>> residual = result.x + 0.5 * tf.sin(result.x) - [[1.0], [2.0]]
    >>> bool(tf.reduce_all(abs(residual) < 1e-5)), bool(tf.reduce_all(result.converged))
    (True, True)
    """
    g = g if hasattr(g, "linearize") else maps.Taped(g)
    y = tf.convert_to_tensor(y)
    tolerance = default_tolerance(y.dtype) if tolerance is None else tolerance
    found = _iterate(g, tf.stop_gradient(y), tolerance, max_steps, floor=1.0)
    solution = tf.stop_gradient(found.x)
    # One more step from the solution carries the derivatives with respect to y and to the weights of g;
    # `_solve_gradient` turns them into those of the solution.
    x = _solve_gradient(y - g(solution), g, solution, tolerance, max_steps)
    return found._replace(x=x)


def _iterate(g, y, tolerance, max_steps, floor):
    """Iterate until |x + g(x) - y| <= tolerance (floor sqrt(D) + |y|)."""
    axes = list(range(1, y.shape.rank))
    size = tf.cast(tf.reduce_prod(tf.shape(y)[1:]), y.dtype)
    scale = floor * tf.sqrt(size) + _norm(y, axes)

    def unfinished(step, x, steps, residual, converged):
        del step, x, steps, residual
        return tf.logical_not(tf.reduce_all(converged))

    def advance(step, x, steps, residual, converged):
        proposal = y - g(x)
        current = tf.math.divide_no_nan(_norm(proposal - x, axes), scale)
        x = tf.where(_per_example(converged, y), x, proposal)
        steps = tf.where(converged, steps, step + 1)
        residual = tf.where(converged, residual, current)
        return step + 1, x, steps, residual, converged | (current <= tolerance)

    per_sample = tf.zeros_like(scale)
    start = (
        tf.constant(0),
        y,
        tf.cast(per_sample, tf.int32),
        per_sample + float("inf"),
        tf.zeros_like(per_sample, tf.bool),
    )
    _, x, steps, residual, converged = tf.while_loop(unfinished, advance, start, maximum_iterations=max_steps)
    return FixedPointResult(x, steps, residual, converged)


def _solve_gradient(x, g, solution, tolerance, max_steps):
    """Identity in x whose gradient is (I + J^T)^-1 times the upstream one, J = dg/dx at the solution.

    Gradients have no scale of their own, so convergence is relative to the upstream one; where it is not reached, the
    gradient is NaN rather than wrong.
    """

    @tf.custom_gradient
    def identity(x):
        def gradient(upstream):
            linearized = g.linearize(solution)
            found = _iterate(linearized.vjp, upstream, tolerance, max_steps, floor=0.0)
            return tf.where(_per_example(found.converged, upstream), found.x, float("nan"))

        return tf.identity(x), gradient

    return identity(x)


def _per_example(values, like):
    return tf.reshape(values, (-1, *[1] * (like.shape.rank - 1)))


def _norm(x, axes):
    return tf.sqrt(tf.reduce_sum(tf.square(x), axes))
