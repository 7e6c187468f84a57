"""Per-channel shift and scale that starts from the data: ActNorm."""

import math

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer

_MIN_STANDARD_DEVIATION = 1e-6  # a channel that varies less is taken for one that never changes


@keras.saving.register_keras_serializable(package="keras_iresnet")
class ActNorm(InvertibleLayer):
    """y = (x + shift) exp(log_scale) per channel, log-det = grid size * sum(log_scale).

    `initialize(x)` sets shift and scale so that y has mean 0 and variance 1 over the batch and the grid; a channel that
    never changes, such as one of `InjectivePad`, keeps its scale. Until then the layer is the identity. That it was
    initialised is a weight, saved with the others.

    Reference: Kingma and Dhariwal, NeurIPS 2018, section 3.1.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> layer = ki.layers.ActNorm()
    >>> y = layer.initialize(tf.random.normal((256, 4, 4, 3), mean=5.0, stddev=2.0))
    >>> bool(abs(tf.reduce_mean(y)) < 1e-4), bool(abs(tf.math.reduce_std(y) - 1) < 1e-4)
    (True, True)
    """

    def build(self, input_shape: Shape) -> None:
        """Create shift and scale for (batch, ..., channels)."""
        super().build(input_shape)
        channels = (input_shape[-1],)
        self.shift = self.add_weight(name="shift", shape=channels, initializer="zeros")
        self.log_scale = self.add_weight(name="log_scale", shape=channels, initializer="zeros")
        self.initialized = self.add_weight(
            name="initialized", shape=(), dtype="bool", initializer="zeros", trainable=False
        )

    def _initialize(self, x):
        """Set shift and scale from x (batch, ..., channels)."""
        mean, variance = tf.nn.moments(x, list(range(x.shape.rank - 1)))
        deviation = tf.sqrt(variance)
        deviation = tf.where(deviation > _MIN_STANDARD_DEVIATION, deviation, tf.ones_like(deviation))
        self.shift.assign(-mean)
        self.log_scale.assign(-tf.math.log(deviation))
        self.initialized.assign(True)

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        if carried.initialize:
            self._initialize(x)
        log_scale = self._cast(self.log_scale)
        log_det = math.prod(x.shape[1:-1]) * tf.reduce_sum(log_scale)
        return tf.nn.bias_add(x, self._cast(self.shift)) * tf.exp(log_scale), log_det

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        return y * tf.exp(-self._cast(self.log_scale)) - self._cast(self.shift), None
