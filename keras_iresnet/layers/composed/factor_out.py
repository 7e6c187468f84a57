"""The multi-scale step: half of the channels leave for the latent vector, the rest go through more layers."""

from typing import Any, Self

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer, check_invertible


@keras.saving.register_keras_serializable(package="keras_iresnet")
class FactorOut(InvertibleLayer):
    """(batch, ..., channels) -> (batch, D): [flat(first half of x), flat(layer(second half of x))].

    A multi-scale flow nests them: the inner layer is a chain that ends with the next `FactorOut`
    (Dinh et al., ICLR 2017, section 3.6).

    Args:
        layer: invertible layer for the half that stays.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> ki.layers.FactorOut(ki.layers.Squeeze())(tf.ones((2, 4, 4, 6))).shape
    TensorShape([2, 96])
    """

    def __init__(self, layer: InvertibleLayer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_invertible("layer", layer, self)
        self.layer = layer

    def build(self, input_shape: Shape) -> None:
        """Build the inner layer for half of the channels."""
        super().build(input_shape)
        if input_shape[-1] % 2 or None in input_shape[1:]:
            raise ValueError(
                "The input must have a static shape with an even number of channels. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        self._half = (*input_shape[1:-1], input_shape[-1] // 2)
        if not self.layer.built:
            self.layer.build((input_shape[0], *self._half))
        self._inner_event = tuple(self.layer.compute_output_shape((input_shape[0], *self._half)))[1:]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, ..., channels) -> (batch, D)."""
        half = (*input_shape[1:-1], input_shape[-1] // 2)
        inner = self.layer.compute_output_shape((input_shape[0], *half))[1:]
        return (input_shape[0], tf.TensorShape(half).num_elements() + tf.TensorShape(inner).num_elements())

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        leaving, staying = tf.split(x, 2, -1)
        inner, log_det = self.layer._forward(staying, carried)
        return _join(leaving, inner), log_det

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        size = tf.TensorShape(self._half).num_elements()
        leaving = tf.reshape(y[:, :size], (-1, *self._half))
        inner = tf.reshape(y[:, size:], (-1, *self._inner_event))
        staying, report = self.layer._inverse(inner, carried)
        return tf.concat([leaving, staying], -1), report

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "layer": keras.saving.serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the inner layer from its config."""
        return cls(**{**config, "layer": keras.saving.deserialize_keras_object(config["layer"])})


def _join(leaving, inner):
    flat = [tf.reshape(part, (-1, part.shape[1:].num_elements())) for part in (leaving, inner)]
    return tf.concat(flat, -1)
