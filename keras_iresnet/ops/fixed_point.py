"""Solves x + g(x) = y for contractive g, with gradients by the implicit function theorem.

    x_(n+1) = y - g(x_n),  x_0 = y                                     (Behrmann et al. 2019, algorithm 1)

converges at the rate L = Lip(g) < 1, and |x_n - x*| <= L / (1 - L) |x_n - x_(n-1)|.

With F(x) = x + g(x; w) and J = dg/dx at the solution, dx = (I + J)^-1 (dy - dg/dw dw). So the gradient needs one
more solve of the same kind, with J^T in the place of g, and nothing of the loop is kept in memory.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_iresnet.ops import maps
from keras_iresnet.ops.map_forms import lowered

DEFAULT_MAX_STEPS = 1000
_EPSILONS_OF_TOLERANCE = 16  # above the noise of a convolution's sums, so that the loop can end
_FIRST_STEPS = 8  # that may be taken in a lower precision,
_FIRST_TOLERANCE = 2.0**-8  # and where they end: bfloat16 has no more digits
_CAUTION = 16
_FASTEST = 1 / 8  # rate that is trusted to go on:
_LARGEST = 1 / (_CAUTION * _FASTEST**2)  # where it does not, the residual of a contraction ends at 4 tolerances


class FixedPointResult(NamedTuple):
    """A solution and how it was reached, per sample.

    Attributes:
        x: (batch, *event), the solution.
        steps: (batch,) int32, evaluations of g that led to it.
        residual: (batch,), |x + g(x) - y| / (sqrt(D) + |y|) in the Euclidean norm. That of the x before was measured;
            where the sample converged, its rate of contraction is taken to go on for one step.
        converged: (batch,) bool, whether the residual fell to the tolerance, as it was predicted with some caution;
            where a fast contraction became slow with the last step it is above that, by a factor of 4 at most.
        moved: (batch,), |x_n - x_(n-1)| of the last step, in the units of x: for any bound L < 1 of Lip(g),
            |x_n - x*| <= L / (1 - L) moved, but for rounding.
    """

    x: tf.Tensor
    steps: tf.Tensor
    residual: tf.Tensor
    converged: tf.Tensor
    moved: tf.Tensor


def default_tolerance(dtype: Any) -> float:
    """The relative residual that `dtype` can reach: 16 units of its rounding, 1.9e-6 in float32."""
    return _EPSILONS_OF_TOLERANCE * float(np.finfo(tf.as_dtype(dtype).as_numpy_dtype).eps)


def fixed_point(
    g: Any, y: tf.Tensor, *, tolerance: float | None = None, max_steps: int = DEFAULT_MAX_STEPS
) -> FixedPointResult:
    """Solve x + g(x) = y, each sample to its own convergence.

    A sample that has converged is not changed any more, so its solution does not depend on the rest of its batch.

    The residual of the next x is predicted from how fast the steps of the sample have become shorter, so that none is
    taken only to see that it was not needed.

    Args:
        g: a map of `keras_iresnet.ops.maps`, or any differentiable callable (batch, *event) -> (batch, *event).
        y: (batch, *event) tensor.
        tolerance: relative residual to stop at; `None` takes `default_tolerance` of y's dtype.
        max_steps: static bound on the number of steps, at least 1.

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
    if isinstance(max_steps, int) and max_steps < 1:
        raise ValueError(f"`max_steps` must be at least 1. Received: max_steps={max_steps!r}")
    y = tf.convert_to_tensor(y)
    tolerance = default_tolerance(y.dtype) if tolerance is None else tolerance
    return FixedPoint(tolerance, max_steps)(g if hasattr(g, "linearize") else maps.Taped(g), y)


@dataclasses.dataclass(frozen=True)
class FixedPoint:
    """`fixed_point` with its settings, hashable."""

    tolerance: float
    max_steps: int
    first_steps_dtype: str | None = None

    def __call__(self, g: maps.Map, y: tf.Tensor, start: tf.Tensor | None = None) -> FixedPointResult:
        """Solve x + g(x) = y, from `start` if that is not y."""
        scale = tf.stop_gradient(tf.sqrt(tf.cast(tf.reduce_prod(tf.shape(y)[1:]), y.dtype)) + _norm(y))
        found = self._all_but_the_last(g, tf.stop_gradient(y), scale, tf.stop_gradient(y if start is None else start))
        solution, progress = tf.nest.map_structure(tf.stop_gradient, found)
        # The last step, from the solution, carries the derivatives with respect to y and to the weights of g;
        # `_solve_gradient` turns them into those of the solution.
        x = _solve_gradient(y - g(solution), g, solution, self.tolerance, self.max_steps)
        moved = tf.stop_gradient(_norm(x - solution))
        # What the last step moved is the residual of the x before it.
        rate = tf.maximum(tf.math.divide_no_nan(moved, progress.moved), progress.rate)
        residual = tf.where(progress.converged, moved * tf.minimum(rate, 1.0), moved)
        relative = tf.math.divide_no_nan(residual, scale)
        converged = progress.converged & (relative <= _LARGEST * self.tolerance)
        return FixedPointResult(x, progress.steps + 1, relative, converged, moved)

    def _all_but_the_last(self, g, y, scale, x):
        before, left = _start(scale), self.max_steps - 1
        if self.first_steps_dtype is not None and left > _FIRST_STEPS:
            low, left = lowered(g, self.first_steps_dtype, y.dtype), left - _FIRST_STEPS
            x, low_progress = _iterate(low, y, _FIRST_TOLERANCE * scale, _FIRST_STEPS, x=x, before=before)
            before = before._replace(steps=low_progress.steps, rate=low_progress.rate)
        return _iterate(g, y, self.tolerance * scale, left, ahead=1, x=x, before=before)


class _Progress(NamedTuple):
    """What is known of each sample, (batch,): see `FixedPointResult`.

    `rate` is `moved` over what it was a step before, 0 where that is not known.
    """

    steps: tf.Tensor
    converged: tf.Tensor
    moved: tf.Tensor
    rate: tf.Tensor


def _start(like):
    """The progress before the first step."""
    zero = tf.zeros_like(like)
    return _Progress(tf.cast(zero, tf.int32), tf.zeros_like(zero, tf.bool), zero, zero)


def _iterate(g, y, limit, max_steps, *, ahead=0, x, before):
    """Iterate from x until |x + g(x) - y| <= limit (batch,), as predicted of x after `ahead` more steps."""

    def unfinished(first, x, progress):
        del first, x
        return tf.logical_not(tf.reduce_all(progress.converged))

    def advance(first, x, progress):
        proposal = y - g(x)
        now = _progressed(progress, _norm(proposal - x), limit, first, ahead)
        x = tf.where(_per_example(progress.converged, y), x, proposal)
        kept = (tf.where(progress.converged, old, new) for old, new in zip(progress, now, strict=True))
        return tf.constant(False), x, _Progress(*kept)

    start = (tf.constant(True), x, before)
    _, x, progress = tf.while_loop(unfinished, advance, start, maximum_iterations=max_steps)
    return x, progress


def _progressed(before, moved, limit, first, ahead):
    """The progress of samples that a step has moved so far; before the first, nothing else had."""
    rate = tf.where(first, before.rate, moved / before.moved)
    slowest = tf.maximum(rate, before.rate)
    slowest = tf.where(tf.equal(slowest, 0), tf.ones_like(moved), tf.maximum(slowest, _FASTEST))
    # What a step moved is the residual of the x before it; each further step multiplies that by about the rate.
    predicted = moved * slowest ** (1 + ahead)
    return _Progress(before.steps + 1, (moved <= limit) | (_CAUTION * predicted <= limit), moved, rate)


def _solve_gradient(x, g, solution, tolerance, max_steps):
    """Identity in x whose gradient is (I + J^T)^-1 times the upstream one, J = dg/dx at the solution.

    Gradients have no scale of their own, so convergence is relative to the upstream one; where it is not reached, the
    gradient is NaN rather than wrong.
    """

    @tf.custom_gradient
    def identity(x):
        def gradient(upstream):
            scale = _norm(upstream)
            vjp = g.linearize(solution).vjp
            x, progress = _iterate(vjp, upstream, tolerance * scale, max_steps, x=upstream, before=_start(scale))
            return tf.where(_per_example(progress.converged, upstream), x, float("nan"))

        return tf.identity(x), gradient

    return identity(x)


def _per_example(values, like):
    return tf.reshape(values, (-1, *[1] * (like.shape.rank - 1)))


def _norm(x):
    """The Euclidean norm of each example."""
    return tf.sqrt(tf.reduce_sum(tf.square(x), list(range(1, x.shape.rank))))
