"""Invertible layers one after the other."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_errors import Exact, Reference
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer, check_invertible
from keras_iresnet.layers.map_bounds import LipOf, MapBounds, one_after_another


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Chain(InvertibleLayer):
    """y = F_n(... F_2(F_1(x))); the log-dets add up.

    Args:
        layers: invertible layers, from first to last.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> chain = ki.layers.Chain([ki.layers.Squeeze(), ki.layers.ActNorm()])
    >>> y, log_det = chain.forward_and_log_det(tf.ones((2, 8, 8, 1)))
    >>> y.shape, log_det.shape
    (TensorShape([2, 4, 4, 4]), TensorShape([2]))
    """

    def __init__(self, layers: Iterable[InvertibleLayer], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layers = list(layers)
        for layer in self.layers:
            check_invertible("layers", layer, self)

    def build(self, input_shape: Shape) -> None:
        """Build the layers, each for the output shape of the one before."""
        super().build(input_shape)
        shape = tuple(input_shape)
        for layer in self.layers:
            if not layer.built:
                layer.build(shape)
            shape = tuple(layer.compute_output_shape(shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The last layer's output shape."""
        shape = tuple(input_shape)
        for layer in self.layers:
            shape = tuple(layer.compute_output_shape(shape))
        return shape

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        total = 0.0
        for layer, own in zip(self.layers, carried.split(len(self.layers)), strict=True):
            x, log_det = layer._forward(x, own)
            total += log_det
        return x, total

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        report = InverseReport.exact(y)
        for layer in reversed(self.layers):
            y, own = layer._inverse(y, carried)
            report = report.then(own)
        return y, report

    def _inverted_one_by_one(self) -> Sequence[InvertibleLayer]:
        return self.layers

    def _inverse_and_exact(
        self, y: tf.Tensor, carried: Carried, exact: Exact, reference: Reference
    ) -> tuple[tf.Tensor, InverseReport | None, Exact]:
        report = InverseReport.exact(y)
        for layer in reversed(self.layers):
            y, own, exact = layer._inverse_and_exact(y, carried, exact, reference)
            report = report.then(own)
        return y, report, exact

    def _inverse_and_log_det(
        self, y: tf.Tensor, carried: Carried
    ) -> tuple[tf.Tensor, InverseReport | None, tf.Tensor | float]:
        report, total = InverseReport.exact(y), 0.0
        for layer, part in reversed(list(zip(self.layers, carried.split(len(self.layers)), strict=True))):
            y, own, log_det = layer._inverse_and_log_det(y, part)
            report = report.then(own)
            total += log_det
        return y, report, total

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        return one_after_another(layer._bounds(lip_of) for layer in self.layers)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {
            **super().get_config(),
            "layers": [keras.saving.serialize_keras_object(layer) for layer in self.layers],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the layers from their configs."""
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})
