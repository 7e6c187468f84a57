"""The base of every invertible layer: forward, inverse, and the log-determinant of the forward map."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.float64_twin import Float64Twin
from keras_iresnet.layers.inverse_errors import Exact, Reference
from keras_iresnet.layers.inverse_program import InversePrograms, inverted
from keras_iresnet.layers.inverse_report import InverseReport, settle
from keras_iresnet.layers.known_bounds import KnownBounds
from keras_iresnet.layers.map_bounds import LipOf, MapBounds
from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.layers.seeds import Seed, as_seed
from keras_iresnet.layers.spectral.norm_groups import with_norms_together
from keras_iresnet.ops.log_det import LogDetEstimator


class InvertibleLayer(FullPrecision, keras.layers.Layer):
    """A bijection x -> y = F(x), or an injection for layers that pad.

    A subclass implements `_forward` and `_inverse`; all else is derived. Tensors between layers stay in `stream_dtype`,
    which is float32 under a mixed-precision policy.

    Example:
    >>> import math
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> class Double(ki.layers.InvertibleLayer):
    ...     def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
    ...         return 2 * x, math.prod(x.shape[1:]) * math.log(2)
    ...     def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
    ...         return y / 2, None
    >>> y, log_det = Double().forward_and_log_det(tf.ones((1, 3)))
    >>> y.numpy().tolist(), f"{log_det.numpy()[0]:.3f}"
    ([[2.0, 2.0, 2.0]], '2.079')
    """

    # Whether `_forward` draws its log-determinant at random, without an estimator of the pass: no bound of its bias is
    # known then.
    estimates_log_det: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._made_trainable = self.trainable
        self._inverse_programs = InversePrograms()
        self._known_bounds = KnownBounds()
        self._twin = Float64Twin()

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        """F(x), and log|det dF/dx| in nats: (batch,), or a number where it is the same for all examples.

        Args:
            x: (batch, *event), in `stream_dtype`, of the shape that the layer was built for.
            carried: how the pass is meant; a layer that holds others hands it on to their `_forward`.
        """
        raise NotImplementedError

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        """The x with F(x) = y, and how it was reached; `None` where it has a closed form."""
        raise NotImplementedError

    def _inverse_and_log_det(
        self, y: tf.Tensor, carried: Carried
    ) -> tuple[tf.Tensor, InverseReport | None, tf.Tensor | float]:
        """`_inverse`, and log|det dx/dy| in nats, that of the inverse.

        A layer whose two passes could differ, because something is drawn at random in training, does both in one.
        """
        x, report = self._inverse(y, carried)
        return x, report, -self._forward(x, carried)[1]

    def _inverted_one_by_one(self) -> Sequence["InvertibleLayer"]:
        """The layers whose inverses `_inverse` is made of, for one that has `_inverse_and_exact` for them."""
        return ()

    def _inverse_near(self, y: tf.Tensor, near: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor]:
        """`_inverse` where a solution is near, as exact as the dtype allows, and what its last step moved x by.

        A layer that iterates begins with `near` (batch, *event); a closed form needs none, and moves nothing.
        """
        del near
        x = self._inverse(y, carried)[0]
        return x, tf.zeros(tf.shape(y)[:1], y.dtype)

    def _inverse_stretch(self, y: tf.Tensor, error: tf.Tensor, proved: tf.Tensor) -> tf.Tensor:
        """A bound of Lip(F^-1) within `error` (batch,) of y, a scalar or (batch,); `proved` is that of everywhere."""
        del y, error
        return proved

    def _inverse_and_exact(
        self, y: tf.Tensor, carried: Carried, exact: Exact, reference: Reference
    ) -> tuple[tf.Tensor, InverseReport | None, Exact]:
        """`_inverse`, and the exact one of `exact`, which y was rounded from."""
        x, report = self._inverse(y, carried)
        return x, report, reference.behind(self, exact, x)

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        """What is proved about F, with the weights as they are; for a layer that says nothing, nothing is.

        Args:
            lip_of: the bound of a block's branch; a layer that holds others hands it on to their `_bounds`.
        """
        del lip_of
        return MapBounds.unknown(self.name)

    def lipschitz_bounds(self) -> MapBounds:
        """Proved bounds of Lip(F), Lip(F^-1) and log|det dF/dx|, of evaluation; kept until a weight changes.

        They are those of `keras_iresnet.certify`, with its default budget.

        Raises:
            ValueError: not built.

        Example:
        >>> import keras_iresnet as ki
        >>> block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((16,), coeff=0.5))
        >>> block.build((None, 2))
        >>> bounds = block.lipschitz_bounds()
        >>> bounds.forward <= 1.2501, bounds.inverse <= 1.3334
        (True, True)
        """
        if not self.built:
            raise ValueError(f"{self.name} must be built before it is bounded: call it on data first.")
        return self._known_bounds.of(self)

    def build(self, input_shape: Shape) -> None:
        """Fix the event shape; subclasses with weights add them."""
        self.input_spec = keras.layers.InputSpec(shape=(None, *input_shape[1:]))

    def call(self, x: tf.Tensor, condition: tf.Tensor | None = None, training: bool | None = None) -> tf.Tensor:
        """x (batch, *event) -> y (batch, *event)."""
        carried = Carried(training=bool(training), log_det=False, condition=condition)
        return self._forward(self._cast(x), with_norms_together(self, carried))[0]

    def forward_and_log_det(
        self,
        x: tf.Tensor,
        seed: Seed = None,
        *,
        training: bool = False,
        estimator: LogDetEstimator | None = None,
        condition: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """F(x) and log|det dF/dx|.

        Args:
            x: (batch, *event).
            seed: integer, or pair of integers as for `tf.random.stateless_uniform`, of the random probes.
            training: whether power iterations advance.
            estimator: replaces the estimator of every residual block below, e.g. `ExactLogDet()`.
            condition: (batch, condition_size), what conditional branches depend on.

        Returns:
            y of shape (batch, *event) and (batch,) nats.
        """
        x = self._ready(x)
        carried = Carried(as_seed(seed), training, estimator=estimator, condition=condition)
        y, log_det = self._forward(x, with_norms_together(self, carried))
        log_det = tf.cast(log_det, x.dtype) if tf.is_tensor(log_det) else tf.constant(log_det, x.dtype)
        return y, tf.broadcast_to(log_det, tf.shape(x)[:1])

    def inverse(
        self,
        y: tf.Tensor,
        *,
        condition: tf.Tensor | None = None,
        tolerance: float | None = None,
        on_failure: str = "raise",
    ) -> tf.Tensor:
        """The x with F(x) = y.

        Called eagerly, an inverse that iterates is compiled the first time, so that its `_inverse` methods must be made
        of TensorFlow operations.

        Args:
            y: (batch, *event).
            condition: as for `forward_and_log_det`.
            tolerance: relative residual to stop at, in the place of each block's own.
            on_failure: what to do when the inverse of a sample did not converge: `"raise"`, `"warn"` or `"ignore"`.
                Inside a compiled function, where no Python exception can be raised, `"raise"` stops with
                `tf.errors.InvalidArgumentError`; under XLA, which has neither assertions nor printing, use it too:
                the samples that did not converge are NaN.

        Raises:
            NotConvergedError: some sample did not converge.
        """
        return settle(*self.inverse_and_report(y, condition=condition, tolerance=tolerance), on_failure)

    def inverse_and_report(
        self,
        y: tf.Tensor,
        *,
        condition: tf.Tensor | None = None,
        tolerance: float | None = None,
        errors: bool = False,
    ) -> tuple[tf.Tensor, InverseReport]:
        """`inverse` and its `InverseReport`, whether or not it converged.

        With `errors`, the report has `error_bound` and `error_estimate` too. x* is the solution in exact arithmetic,
        for y and the weights as they are, with the kernels that evaluation uses. It is solved for once more, in
        float64, which takes a few times as long. The layers are made again for that, from their configs.
        """
        y = self._cast(y)
        if not self.built:
            raise ValueError(f"{self.name} must be built before it is inverted: call it on data first.")
        self._require_shape(y, self.compute_output_shape(self.input_spec.shape))
        return inverted(self, y, Carried(condition=condition, tolerance=tolerance), errors=errors)

    def initialize(self, x: tf.Tensor, *, condition: tf.Tensor | None = None, points: bool = False) -> tf.Tensor:
        """Set what depends on data and was not set before from one batch, eagerly; returns F(x).

        Most layers have nothing to set. A layer that was frozen (`trainable = False`) stays as it is.

        Args:
            x: (batch, *event).
            condition: as for `forward_and_log_det`.
            points: whether the unit of x is anybody's choice, as it is not for images: what is set here, and trained
                afterwards, is then in units of the batch's own deviation.
        """
        carried = Carried(log_det=False, condition=condition, initialize=True, points=points)
        return self._forward(self._ready(x), carried)[0]

    def _is_to_be_set(self, carried: Carried) -> bool:
        """Whether a pass is to set what depends on data in a layer that says by `_is_set` if that was done before."""
        frozen = self._made_trainable and not self.trainable
        return carried.initialize and not frozen and not self._is_set()

    def _is_set(self) -> bool:
        """Whether what depends on data was set, or trained; for a layer that has something of the kind."""
        return False

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *event) -> (batch, *event)."""
        return tuple(input_shape)

    def compute_output_spec(
        self, x: keras.KerasTensor, condition: keras.KerasTensor | None = None, training: bool | None = None
    ) -> keras.KerasTensor:
        """Shape and dtype of the output: the stream's dtype, whatever the policy computes in."""
        del condition, training
        return keras.KerasTensor(self.compute_output_shape(x.shape), dtype=self.stream_dtype)

    def _cast(self, x):
        return tf.cast(tf.convert_to_tensor(x), self.stream_dtype)

    def _ready(self, x):
        x = self._cast(x)
        if not self.built:
            with tf.init_scope():
                self.build(tuple(x.shape))
        self._require_shape(x, self.input_spec.shape)
        return x

    def _require_shape(self, x, shape):
        if not tf.TensorShape(shape).is_compatible_with(x.shape):
            raise ValueError(f"{self.name} was built for shape {tuple(shape)}. Received: shape={tuple(x.shape)}")


def check_layer(name: str, layer: object) -> None:
    """Refuse what is no Keras layer."""
    if not isinstance(layer, keras.layers.Layer):
        raise ValueError(f"`{name}` must be a Keras layer. Received: {name}={layer!r}")


def check_invertible(name: str, layer: object, owner: FullPrecision | None = None) -> None:
    """Refuse a layer without an inverse, or of another precision than the layer or model that holds it, if one does."""
    if not isinstance(layer, InvertibleLayer):
        raise ValueError(
            f"`{name}` must hold invertible layers (keras_iresnet.layers.InvertibleLayer). "
            f"Received: {type(layer).__name__}"
        )
    if owner is not None and layer.stream_dtype != owner.stream_dtype:
        raise ValueError(
            f"`{name}` must have the precision of what holds them, {owner.stream_dtype}. "
            f"Received: {layer.name} with {layer.stream_dtype}"
        )
