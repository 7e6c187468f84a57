"""Images to vectors, so that dense branches can see all of an image at once."""

import math

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.layers.map_bounds import LipOf, MapBounds


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Flatten(InvertibleLayer):
    """(batch, *event) -> (batch, D), D the product of the event's sides; log-det 0.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> ki.layers.Flatten()(tf.ones((2, 4, 4, 3))).shape
    TensorShape([2, 48])
    """

    def build(self, input_shape: Shape) -> None:
        """Check that the sides are known."""
        super().build(input_shape)
        if len(input_shape) < 2 or None in input_shape[1:]:
            raise ValueError(f"`Flatten` must know all sides of an example. Received: input_shape={tuple(input_shape)}")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *event) -> (batch, D)."""
        return (input_shape[0], math.prod(input_shape[1:]))

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        return tf.reshape(x, (-1, math.prod(self.input_spec.shape[1:]))), 0.0

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        return tf.reshape(y, (-1, *self.input_spec.shape[1:])), None

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        return MapBounds()
