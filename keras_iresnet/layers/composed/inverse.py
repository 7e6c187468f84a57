"""The inverse of a layer, as a layer."""

import dataclasses
import math
from typing import Any, Self

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.forward_solves import ForwardSolves
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer, check_invertible
from keras_iresnet.layers.map_bounds import LipOf, MapBounds


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Inverse(ForwardSolves, InvertibleLayer):
    """y = F^-1(x) for the F of another layer, whose log-determinant at the solution is taken with the other sign.

    Forward is the layer's inverse, by its fixed points, differentiated by the implicit function theorem:

        dy = (dF/dy)^-1 (dx - dF/dw dw),        log|det dy/dx| = -log|det dF/dy|

    so memory does not grow with the steps. Backward is the layer itself, in closed form where it has one. Forward
    solves run in float32 at least, in training too. Those that do not converge raise `NotConvergedError` outside of
    training; in training they are counted in `failures`, and end it where they are more than a tenth.

    `initialize` sets an ActNorm in the layer, too, so that what it gives on the way back is normalised. A layer that
    sets itself from data on the way forward alone, such as `Gaussianize`, has to stand beside the `Inverse`.

    Args:
        layer: invertible layer. One that changes the shape must be built before.

    Raises:
        ValueError: the layer is none that can be inverted both ways, or has another shape; in `initialize`, it holds
            one that is not set on the way back.

    Reference: Lu et al., ICLR 2021 (arXiv:2103.09527), equation 8 for the gradient.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((8,)))
    >>> inverse = ki.layers.Inverse(block)
    >>> x = tf.random.normal((3, 2))
    >>> bool(tf.reduce_max(abs(block(inverse(x)) - x)) < 1e-4)
    True
    """

    def __init__(self, layer: InvertibleLayer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_invertible("layer", layer, self)
        self.layer = layer

    def build(self, input_shape: Shape) -> None:
        """Build the layer for what it makes (batch, *event) of."""
        super().build(input_shape)
        if not self.layer.built:
            self.layer.build(input_shape)
        before = tuple(self.layer.input_spec.shape)[1:]
        after = tuple(self.layer.compute_output_shape((None, *before)))[1:]
        if after != tuple(input_shape)[1:] or math.prod(before) != math.prod(after):
            raise ValueError(
                "The inverse of a layer takes what the layer gives, of as many dimensions as the layer takes; one that "
                f"changes the shape must be built before. Received: input_shape={tuple(input_shape)}, "
                f"{self.layer.name} from {before} to {after}"
            )
        self._build_counts()

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """What the layer takes."""
        inner = self.layer.input_spec.shape[1:] if self.layer.built else input_shape[1:]
        return (input_shape[0], *inner)

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        y, report, log_det = self._solve(x, dataclasses.replace(carried, precise=True))
        if carried.initialize:
            self._check_all_set(carried)
        return (y, log_det) if report is None else self._settled(y, log_det, report, carried)

    def _check_all_set(self, carried):
        """Refuse what a pass that initialises has left as it was."""
        for layer in layers_in(self.layer):
            sets = isinstance(layer, InvertibleLayer) and type(layer)._is_set is not InvertibleLayer._is_set
            if sets and layer._is_to_be_set(carried):
                raise ValueError(
                    "`layer` must hold no layer that is set from data on the way forward alone: put it beside the "
                    f"Inverse, or freeze it. Received: {self.name} with {layer.name} ({type(layer).__name__})"
                )

    def _solve(self, x, carried):
        if carried.log_det:
            return self.layer._inverse_and_log_det(x, carried)
        return *self.layer._inverse(x, carried), 0.0

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        return self.layer._forward(y, dataclasses.replace(carried, log_det=False))[0], None

    def _inverse_and_log_det(
        self, y: tf.Tensor, carried: Carried
    ) -> tuple[tf.Tensor, InverseReport | None, tf.Tensor | float]:
        x, log_det = self.layer._forward(y, carried)
        return x, None, log_det

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        return self.layer._bounds(lip_of).inverted()

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "layer": keras.saving.serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the inner layer from its config."""
        return cls(**{**config, "layer": keras.saving.deserialize_keras_object(config["layer"])})
