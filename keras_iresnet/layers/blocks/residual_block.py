"""x + g(x) for a contractive g: the invertible residual block."""

import dataclasses
import operator
from typing import Any, Self

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.ops import maps
from keras_iresnet.ops.fixed_point import DEFAULT_MAX_STEPS, FixedPoint, default_tolerance
from keras_iresnet.ops.kernels import first_steps_dtype
from keras_iresnet.ops.log_det import BackpropSeriesLogDet, ExactLogDet, LogDetEstimator, SeriesLogDet
from keras_iresnet.ops.recompute import recomputed
from keras_iresnet.ops.roulette import RouletteLogDet
from keras_iresnet.ops.shared import shared

for _estimator in (BackpropSeriesLogDet, ExactLogDet, RouletteLogDet, SeriesLogDet):
    keras.saving.register_keras_serializable(package="keras_iresnet")(_estimator)


@keras.saving.register_keras_serializable(package="keras_iresnet")
class InvertibleResidualBlock(InvertibleLayer):
    """F(x) = x + g(x), inverted by fixed-point iteration (Behrmann et al., ICML 2019, theorem 1, algorithm 1).

    Args:
        branch: g, a `ConvBranch` or `DenseBranch`, which come with explicit derivatives; or any Keras layer that
            keeps shape and has a Lipschitz constant below 1, which `tf.GradientTape` differentiates. One with an
            attribute `condition_size` that is not `None` is called with `condition=` too.
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

    def __init__(
        self,
        branch: keras.layers.Layer,
        *,
        estimator: LogDetEstimator | None = None,
        tolerance: float | None = None,
        max_steps: int = DEFAULT_MAX_STEPS,
        remat: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if remat and not hasattr(branch, "as_map"):
            raise ValueError(
                f"`remat` needs a branch with a method `as_map`, whose weights it can see. Received: {branch.name}"
            )
        self.branch = branch
        self.estimator = SeriesLogDet() if estimator is None else estimator
        self.tolerance, self.max_steps, self.remat = tolerance, max_steps, remat

    def build(self, input_shape: Shape) -> None:
        """Build the branch, and refuse one that changes the shape."""
        super().build(input_shape)
        if not self.branch.built:
            self.branch.build(input_shape)
        example = keras.KerasTensor((None, *input_shape[1:]), dtype=self.stream_dtype)
        output_shape = tuple(self.branch.compute_output_spec(example).shape)
        if output_shape[1:] != tuple(input_shape)[1:]:
            raise ValueError(
                "The branch must keep the shape of its input. "
                f"Received: input_shape={tuple(input_shape)}, output_shape={output_shape}"
            )

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        g = self._branch_map(carried)
        if not carried.log_det:
            return x + self._run(operator.call, g, x), 0.0
        estimator = self.estimator if carried.estimator is None else carried.estimator
        value, log_det = self._run(estimator, g, x, carried.seed)
        return x + value, log_det

    def _run(self, function, g, x, *arguments):
        return recomputed(function, g, x, *arguments) if self.remat else function(g, x, *arguments)

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        tolerance = carried.tolerance or self.tolerance or default_tolerance(y.dtype)
        g = self._branch_map(carried)
        result = shared(FixedPoint(tolerance, self.max_steps, first_steps_dtype(g, y.dtype)), g, y)
        return result.x, InverseReport(result.steps, result.residual, result.converged)

    def _inverse_settings(self):
        """What the iteration of `_inverse` depends on beside weights."""
        return self.tolerance, self.max_steps

    def _branch_map(self, carried):
        # Not all branches know of conditions, and not all blocks of a conditional model need one that does.
        condition = None if getattr(self.branch, "condition_size", None) is None else carried.condition
        if hasattr(self.branch, "as_map"):
            return self.branch.as_map(dataclasses.replace(carried, condition=condition, recompute=self.remat))
        options = {} if condition is None else {"condition": condition}
        return maps.Taped(lambda x: tf.cast(self.branch(x, training=carried.training, **options), x.dtype))

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {
            **super().get_config(),
            "branch": keras.saving.serialize_keras_object(self.branch),
            "estimator": keras.saving.serialize_keras_object(self.estimator),
            "tolerance": self.tolerance,
            "max_steps": self.max_steps,
            "remat": self.remat,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the branch and the estimator from their configs."""
        config = dict(config)
        for name in ("branch", "estimator"):
            config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)
