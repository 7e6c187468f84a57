"""What blocks made of one contractive branch share: the branch, its estimator, how fixed points are solved."""

import dataclasses
import math
from typing import Any, Self

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import EVALUATION, Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_errors import ROUNDING
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer, check_layer
from keras_iresnet.layers.precision import check_branch_precision
from keras_iresnet.ops import maps
from keras_iresnet.ops.fixed_point import DEFAULT_MAX_STEPS, FixedPoint, default_tolerance
from keras_iresnet.ops.kernels import shares_its_pass
from keras_iresnet.ops.log_det import (
    BackpropSeriesLogDet,
    DualSeries,
    ExactLogDet,
    LogDetEstimator,
    MixedSeriesLogDet,
    SeriesLogDet,
)
from keras_iresnet.ops.recompute import recomputed
from keras_iresnet.ops.roulette import RouletteLogDet
from keras_iresnet.ops.shared import shared
from keras_iresnet.ops.solved_log_det import SolvedLogDet

for _estimator in (BackpropSeriesLogDet, ExactLogDet, MixedSeriesLogDet, RouletteLogDet, SeriesLogDet):
    keras.saving.register_keras_serializable(package="keras_iresnet")(_estimator)


class BranchBlock(InvertibleLayer):
    """An invertible layer whose map is made of a contractive branch g; a subclass says how.

    Args:
        branch: g, a `ConvBranch` or `DenseBranch`, which come with explicit derivatives; or any Keras layer that
            keeps shape and has a Lipschitz constant below 1, which `tf.GradientTape` differentiates. One with an
            attribute `condition_size` that is not `None` is called with `condition=` too. Under a mixed policy its
            layers need `dtype="float32"`.
        estimator: of log-determinants of dg/dx: `SeriesLogDet(num_terms, num_probes)`, `RouletteLogDet()`, which has
            no bias, or `ExactLogDet()`.
        tolerance: relative residual at which fixed points stop; `None` takes 16 roundings of the dtype.
        max_steps: bound on the steps of a fixed point.
        remat: whether the backward pass computes the branch once more rather than keep what the forward pass computed:
            less memory for up to a third more arithmetic. The branch must have a method `as_map`.

    Example:
    >>> import keras_iresnet as ki
    >>> flow = ki.zoo.digits_flow(blocks=(1, 1), channels=8)
    >>> blocks = [layer for layer in flow._flatten_layers() if isinstance(layer, ki.layers.BranchBlock)]
    >>> [block.estimator.num_terms for block in blocks]
    [5, 5]
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
        check_layer("branch", branch)
        if remat and not hasattr(branch, "as_map"):
            raise ValueError(
                f"`remat` needs a branch with a method `as_map`, whose weights it can see. Received: {branch.name}"
            )
        self.branch = branch
        self.estimator = SeriesLogDet() if estimator is None else estimator
        self.tolerance, self.max_steps, self.remat = tolerance, max_steps, remat

    def build(self, input_shape: Shape) -> None:
        """Build the branch; refuse one that changes the shape, rounds, or that the estimator is not made for."""
        super().build(input_shape)
        if not hasattr(self.branch, "as_map"):
            check_branch_precision(self.branch, self.stream_dtype)
        if not self.branch.built:
            self.branch.build(input_shape)
        example = keras.KerasTensor((None, *input_shape[1:]), dtype=self.stream_dtype)
        output_shape = tuple(self.branch.compute_output_spec(example).shape)
        if output_shape[1:] != tuple(input_shape)[1:]:
            raise ValueError(
                "The branch must keep the shape of its input. "
                f"Received: input_shape={tuple(input_shape)}, output_shape={output_shape}"
            )
        self._estimator_of(EVALUATION)

    def _estimator_of(self, carried: Carried) -> LogDetEstimator:
        """What estimates in this pass: a roulette that was left open is set for the branch."""
        estimator = self.estimator if carried.estimator is None else carried.estimator
        if isinstance(estimator, RouletteLogDet):
            return estimator.for_bound(getattr(self.branch, "lip_target", None))
        return estimator

    def _run(self, function: Any, g: maps.Map, x: tf.Tensor, *arguments: Any, training: bool = False) -> Any:
        """function(g, x, *arguments), by the way to it that suits memory and graph."""
        if self.remat:
            return recomputed(function, g, x, *arguments)
        if training and isinstance(function, DualSeries) and shares_its_pass(g):
            return shared(function, g, x, *arguments)
        return function(g, x, *arguments)

    @property
    def dimension(self) -> int:
        """Of one example."""
        return math.prod(self.input_spec.shape[1:])

    def _inverse_settings(self):
        """What the iterations depend on beside weights."""
        return self.tolerance, self.max_steps

    def _solved(
        self, g: maps.Map, y: tf.Tensor, carried: Carried, estimator: LogDetEstimator
    ) -> tuple[tf.Tensor, tf.Tensor, InverseReport]:
        """x with x + g(x) = y, what the estimator says of g there where that is asked for, and how x was reached."""
        tolerance = carried.tolerance or self.tolerance or default_tolerance(y.dtype)
        solve = SolvedLogDet(estimator if carried.log_det else None, tolerance, self.max_steps)
        found = self._run(solve, g, y, carried.seed)
        return found.x, found.nats, InverseReport(tf.cast(found.steps, tf.int32), found.residual, found.converged > 0)

    @staticmethod
    def _solved_near(g: maps.Map, y: tf.Tensor, near: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """x with x + g(x) = y, from where it is near, to rounding; and what the last step moved, (batch,)."""
        result = shared(FixedPoint(ROUNDING, DEFAULT_MAX_STEPS), g, y, near)
        return result.x, result.moved

    def _branch_map(self, carried: Carried) -> maps.Map:
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
