"""Per-channel shift and scale that starts from the data: ActNorm."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.layers.map_bounds import LipOf, MapBounds, of_scales

_ROUNDINGS = 16  # of its largest value: a channel that varies less is taken for one that never changes


@keras.saving.register_keras_serializable(package="keras_iresnet")
class ActNorm(InvertibleLayer):
    """y = (x + unit shift) exp(log_scale) per channel, log-det = grid size * sum(log_scale).

    `initialize(x)` sets shift and scale so that y has mean 0 and variance 1 over the batch and the grid; a channel that
    never changes, such as one of `InjectivePad`, keeps its scale. Until then the layer is the identity. That it was
    initialised is a weight, saved with the others; a layer that was initialised or trained is not set again. Inside of
    an `Inverse` data go from y to x, and it is x that has mean 0 and variance 1.

    The unit is 1, and for points the deviation of the first ones: a step of an optimizer moves y by as much, in
    whatever unit the points were measured.

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
        self.unit = self.add_weight(name="unit", shape=channels, initializer="ones", trainable=False)

    def _is_set(self):
        moved = tf.reduce_any(tf.convert_to_tensor(self.shift) != 0) | tf.reduce_any(self._cast(self.log_scale) != 0)
        return bool(tf.convert_to_tensor(self.initialized) | moved)

    def _initialize(self, x, points):
        """Set shift and scale from x (batch, ..., channels), for a y of mean 0 and variance 1."""
        mean, deviation = _moments(x)
        unit = deviation if points else tf.ones_like(deviation)
        self._set(unit, -mean / unit, -tf.math.log(deviation))

    def _initialize_backward(self, y):
        """Set them from y, for such an x, which a step of the shift moves by as much as in the other direction."""
        mean, deviation = _moments(y)
        self._set(tf.ones_like(deviation), mean / deviation, tf.math.log(deviation))

    def _set(self, unit, shift, log_scale):
        self.unit.assign(unit)
        self.shift.assign(shift)
        self.log_scale.assign(log_scale)
        self.initialized.assign(True)

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        if self._is_to_be_set(carried):
            self._initialize(x, carried.points)
        log_scale = self._cast(self.log_scale)
        log_det = math.prod(x.shape[1:-1]) * tf.reduce_sum(log_scale)
        return tf.nn.bias_add(x, self._offset()) * tf.exp(log_scale), log_det

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        if self._is_to_be_set(carried):  # in an `Inverse`
            self._initialize_backward(y)
        return y * tf.exp(-self._cast(self.log_scale)) - self._offset(), None

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        log_scale = np.asarray(self.log_scale, np.float64)
        log_det = math.prod(self.input_spec.shape[1:-1]) * math.fsum(log_scale)
        return of_scales(math.exp(log_scale.min()), math.exp(log_scale.max()), log_det, self.name)

    def _offset(self):
        """What is added to x, in its own unit."""
        return self._cast(self.unit) * self._cast(self.shift)

    def load_own_variables(self, store: Any) -> None:
        """As `keras.layers.Layer.load_own_variables`; older files have no unit, which was 1."""
        if len(store.keys()) == 3:
            store = {**{name: store[name] for name in store.keys()}, "3": np.ones(self.unit.shape)}  # noqa: SIM118
        super().load_own_variables(store)


def _moments(x):
    """Mean and deviation of each channel of (batch, ..., channels); 1 for one that never changes."""
    axes = list(range(x.shape.rank - 1))
    mean, variance = tf.nn.moments(x, axes)
    deviation = tf.sqrt(variance)
    rounding = _ROUNDINGS * np.finfo(x.dtype.as_numpy_dtype).eps * tf.reduce_max(tf.abs(x), axes)
    return mean, tf.where(deviation > rounding, deviation, tf.ones_like(deviation))
