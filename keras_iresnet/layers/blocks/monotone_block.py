"""(I - g)(I + g)^-1, the Cayley transform of a contractive g: the block of monotone flows."""

import dataclasses

import keras
import tensorflow as tf

from keras_iresnet.layers.blocks.branch_block import BranchBlock
from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.forward_solves import ForwardSolves
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.map_bounds import LipOf, MapBounds, monotone_bounds
from keras_iresnet.ops import maps
from keras_iresnet.ops.fixed_point import default_tolerance
from keras_iresnet.ops.odd_series import odd


@keras.saving.register_keras_serializable(package="keras_iresnet")
class MonotoneBlock(ForwardSolves, BranchBlock):
    """F(x) = w - x for the w with w + g(w) = 2x: any strongly monotone, Lipschitz map is of this form.

    With J = dg/dw at w, dx = (I + J) dw / 2 and dy = (I - J) dw / 2, so that

        log|det dF/dx| = log|det(I - J)| - log|det(I + J)| = -2 sum over odd k of tr(J^k) / k,
        Lip(F), Lip(F^-1) <= (1 + L) / (1 - L)      for L = Lip(g) < 1,

    where x + g(x) stretches by less than 2. The inverse is of the same kind: w - g(w) = 2y, x = w - y. Both are solved
    by fixed points, in float32 at least, and differentiated by the implicit function theorem. A solve that does not
    converge on the way forward raises `NotConvergedError`; in training it is counted in `failures`, and more than a
    tenth of them ends the training.

    Args:
        branch: g, as for `InvertibleResidualBlock`.
        estimator: of the log-determinant, `SeriesLogDet(num_terms)`, of whose terms the odd ones count, and whose bias
            is at most 2 D times the sum of L^k / k over odd k beyond; `RouletteLogDet()` or `ExactLogDet()`.
        tolerance: relative residual at which fixed points stop; `None` takes 8 roundings of the dtype.
        max_steps: bound on the steps of a fixed point.
        remat: whether the backward pass computes branch and solution once more, see `InvertibleResidualBlock`.

    Reference: Ahn et al., Invertible Monotone Operators for Normalizing Flows, NeurIPS 2022 (arXiv:2210.08176).

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> block = ki.layers.MonotoneBlock(ki.layers.DenseBranch((16,)), estimator=ki.ExactLogDet())
    >>> x = tf.random.normal((4, 2))
    >>> y, log_det = block.forward_and_log_det(x)
    >>> log_det.shape, bool(tf.reduce_max(abs(block.inverse(y) - x)) < 1e-4)
    (TensorShape([4]), True)
    """

    def build(self, input_shape: Shape) -> None:
        """Build the branch."""
        super().build(input_shape)
        self._build_counts()

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        w, nats, report = self._half_way(x, carried, 1)
        return self._settled(w - x, nats if carried.log_det else 0.0, report, carried)

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        return monotone_bounds(lip_of(self), self.dimension, self.name)

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        return self._inverse_and_log_det(y, dataclasses.replace(carried, log_det=False))[:2]

    def _inverse_and_log_det(
        self, y: tf.Tensor, carried: Carried
    ) -> tuple[tf.Tensor, InverseReport | None, tf.Tensor | float]:
        w, nats, report = self._half_way(y, carried, -1)
        return w - y, report, nats

    def _inverse_near(self, y: tf.Tensor, near: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor]:
        g = maps.Composition([self._branch_map(dataclasses.replace(carried, precise=True)), maps.Scale(-1.0)])
        w, moved = self._solved_near(g, 2 * y, near + y)
        return w - y, moved

    def _half_way(self, x, carried, sign):
        """w with w + sign g(w) = 2x, the log-determinant from x to w - x, odd in g, and the report."""
        g = self._branch_map(dataclasses.replace(carried, precise=True))
        # Both sides are doubled, and both directions solve: half of the default keeps a round trip as exact as others'.
        tolerance = carried.tolerance or self.tolerance or default_tolerance(x.dtype) / 2
        carried = dataclasses.replace(carried, tolerance=tolerance)
        signed = g if sign > 0 else maps.Composition([g, maps.Scale(-1.0)])
        return self._solved(signed, 2 * x, carried, odd(self._estimator_of(carried)))
