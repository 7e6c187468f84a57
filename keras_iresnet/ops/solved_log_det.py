"""The solution of x + g(x) = y, and a log-determinant there: what layers need whose forward map solves."""

import dataclasses
from typing import Any, NamedTuple

import tensorflow as tf

from keras_iresnet.ops.fixed_point import FixedPoint
from keras_iresnet.ops.log_det import LogDetEstimator
from keras_iresnet.ops.shared import shared


class Solved(NamedTuple):
    """A solution, an estimate at it, and how it was reached; all of one floating-point type.

    Attributes:
        x: (batch, *event), differentiable by the implicit function theorem.
        nats: (batch,).
        steps: (batch,), as of `FixedPointResult`; so are the others.
        residual: (batch,).
        converged: (batch,), 1 or 0.
    """

    x: tf.Tensor
    nats: tf.Tensor
    steps: tf.Tensor
    residual: tf.Tensor
    converged: tf.Tensor


@dataclasses.dataclass(frozen=True)
class SolvedLogDet:
    """x with x + g(x) = y, and what an estimator says of g at x: a function that `recomputed` takes.

    Args:
        estimator: of `keras_iresnet.ops.log_det`; `None` for the solution alone, with 0 nats.
        tolerance: as for `fixed_point`.
        max_steps: as for `fixed_point`.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import log_det, maps
    >>> from keras_iresnet.ops.solved_log_det import SolvedLogDet
    >>> solved = SolvedLogDet(log_det.ExactLogDet(), 1e-6, 100)(maps.Scale(0.5), tf.constant([[3.0, 6.0]]), None)
    >>> solved.x.numpy().round(4).tolist(), f"{solved.nats.numpy()[0]:.4f}"  # 2 log 1.5
    ([[2.0, 4.0]], '0.8109')
    """

    estimator: LogDetEstimator | None
    tolerance: float
    max_steps: int

    def __call__(self, g: Any, y: tf.Tensor, seed: tf.Tensor | None) -> Solved:
        """The solution for y (batch, *event)."""
        found = shared(FixedPoint(self.tolerance, self.max_steps), g, y)
        nats = tf.zeros_like(found.residual) if self.estimator is None else self.estimator(g, found.x, seed)[1]
        steps, converged = (tf.cast(part, y.dtype) for part in (found.steps, found.converged))
        return Solved(found.x, nats, steps, tf.stop_gradient(found.residual), converged)
