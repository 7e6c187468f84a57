"""The multi-scale step: half of the channels leave for the latent vector, the rest go through more layers."""

import math
from collections.abc import Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_errors import Exact, Reference
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer, check_invertible
from keras_iresnet.layers.map_bounds import LipOf, MapBounds


@keras.saving.register_keras_serializable(package="keras_iresnet")
class FactorOut(InvertibleLayer):
    """(batch, ..., channels) -> (batch, D): [flat(first half of x), flat(layer(second half of x))].

    Of an odd number of channels, the larger half stays.

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
        if None in input_shape[1:] or input_shape[-1] < 2:
            raise ValueError(
                "The input must have a static shape with at least 2 channels. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        self._leaving, staying = _halves(input_shape[1:])
        if not self.layer.built:
            self.layer.build((input_shape[0], *staying))
        self._inner_event = tuple(self.layer.compute_output_shape((input_shape[0], *staying)))[1:]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, ..., channels) -> (batch, D)."""
        leaving, staying = _halves(input_shape[1:])
        inner = self.layer.compute_output_shape((input_shape[0], *staying))[1:]
        return (input_shape[0], math.prod(leaving) + math.prod(inner))

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        count = self._leaving[-1]
        leaving, staying = tf.split(x, [count, x.shape[-1] - count], -1)
        inner, log_det = self.layer._forward(staying, carried)
        return _join(leaving, inner), log_det

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        leaving, inner = self._apart(y)
        staying, report = self.layer._inverse(inner, carried)
        return tf.concat([leaving, staying], -1), report

    def _inverted_one_by_one(self) -> Sequence[InvertibleLayer]:
        return (self.layer,)

    def _inverse_and_exact(
        self, y: tf.Tensor, carried: Carried, exact: Exact, reference: Reference
    ) -> tuple[tf.Tensor, InverseReport | None, Exact]:
        (leaving, inner), (exact_leaving, exact_inner) = self._apart(y), self._apart(exact.x)
        y_inner = Exact(exact_inner, exact.error)
        staying, report, found = self.layer._inverse_and_exact(inner, carried, y_inner, reference)
        error = tf.sqrt(tf.square(exact.error) + tf.square(found.error))
        x = tf.concat([leaving, staying], -1)
        return x, report, Exact(tf.concat([exact_leaving, found.x], -1), error)

    def _apart(self, y):
        """Latents (batch, D) -> what left and what the inner layer gave."""
        size, batch = math.prod(self._leaving), tf.shape(y)[0]
        leaving = tf.reshape(y[:, :size], (batch, *self._leaving))
        return leaving, tf.reshape(y[:, size:], (batch, *self._inner_event))

    def _inverse_and_log_det(
        self, y: tf.Tensor, carried: Carried
    ) -> tuple[tf.Tensor, InverseReport | None, tf.Tensor | float]:
        leaving, inner = self._apart(y)
        staying, report, log_det = self.layer._inverse_and_log_det(inner, carried)
        return tf.concat([leaving, staying], -1), report, log_det

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        return self.layer._bounds(lip_of).beside_identity()

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "layer": keras.saving.serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the inner layer from its config."""
        return cls(**{**config, "layer": keras.saving.deserialize_keras_object(config["layer"])})


def _halves(event):
    """The shapes of what leaves and of what stays, of a shape (..., channels)."""
    leaving = event[-1] // 2
    return (*event[:-1], leaving), (*event[:-1], event[-1] - leaving)


def _join(leaving, inner):
    flat = [tf.reshape(part, (-1, part.shape[1:].num_elements())) for part in (leaving, inner)]
    return tf.concat(flat, -1)
