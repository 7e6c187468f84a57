"""x + g(x) for a contractive g: the invertible residual block."""

import operator

import keras
import tensorflow as tf

from keras_iresnet.layers.blocks.branch_block import BranchBlock
from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.map_bounds import LipOf, MapBounds, residual_bounds
from keras_iresnet.ops.fixed_point import FixedPoint, default_tolerance
from keras_iresnet.ops.kernels import first_steps_dtype
from keras_iresnet.ops.shared import shared


@keras.saving.register_keras_serializable(package="keras_iresnet")
class InvertibleResidualBlock(BranchBlock):
    """F(x) = x + g(x), inverted by fixed-point iteration (Behrmann et al., ICML 2019, theorem 1, algorithm 1).

    Args:
        branch: g, a `ConvBranch` or `DenseBranch`, which come with explicit derivatives; or any Keras layer that
            keeps shape and has a Lipschitz constant below 1, which `tf.GradientTape` differentiates. One with an
            attribute `condition_size` that is not `None` is called with `condition=` too. Under a mixed policy its
            layers need `dtype="float32"`.
        estimator: of log|det(I + dg/dx)|: `SeriesLogDet(num_terms, num_probes)`, `RouletteLogDet()`, which has
            no bias, or `ExactLogDet()`.
        tolerance: relative residual at which the inverse stops; `None` takes 16 roundings of the dtype.
        max_steps: bound on the steps of the inverse.
        remat: whether the backward pass computes the branch once more rather than keep what the forward pass computed:
            less memory for up to a third more arithmetic. The branch must have a method `as_map`.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((16,)), estimator=ki.ExactLogDet())
    >>> x = tf.random.normal((4, 2))
    >>> y, log_det = block.forward_and_log_det(x)
    >>> log_det.shape, bool(tf.reduce_max(abs(block.inverse(y) - x)) < 1e-4)
    (TensorShape([4]), True)
    """

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        g = self._branch_map(carried)
        if not carried.log_det:
            return x + self._run(operator.call, g, x), 0.0
        value, log_det = self._run(self._estimator_of(carried), g, x, carried.seed, training=carried.training)
        return x + value, log_det

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        return residual_bounds(lip_of(self), self.dimension, self.name)

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        tolerance = carried.tolerance or self.tolerance or default_tolerance(y.dtype)
        g = self._branch_map(carried)
        first = None if carried.precise else first_steps_dtype(g, y.dtype)
        result = shared(FixedPoint(tolerance, self.max_steps, first), g, y)
        return result.x, InverseReport(result.steps, result.residual, result.converged)

    def _inverse_near(self, y: tf.Tensor, near: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor]:
        return self._solved_near(self._branch_map(carried), y, near)

    def _inverse_and_log_det(
        self, y: tf.Tensor, carried: Carried
    ) -> tuple[tf.Tensor, InverseReport | None, tf.Tensor | float]:
        x, nats, report = self._solved(self._branch_map(carried), y, carried, self._estimator_of(carried))
        return x, report, -nats
