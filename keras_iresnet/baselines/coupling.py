"""Coupling layers: half of the channels are shifted and scaled by a network that sees the other half."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer

_LARGEST = 2.0  # of the logarithm of a scale: beyond, steps of training run away


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Coupling(InvertibleLayer):
    """(a, b) -> (a, b exp(s(a)) + t(a)): the inverse is a closed form, and so is the log-determinant, sum s.

    a and b are halves of the last axis; b is the larger one of an odd number. s and t come from a network of Keras's
    dense layers for vectors, and of 3x3, 1x1 and 3x3 convolutions for images, whose last layer starts at 0: an
    untrained coupling is the identity. s lies within 2 of 0.

    Args:
        units: of each hidden layer of the network; two for images.
        affine: whether there is a scale; without one (NICE) the volume stays, and the log-determinant is 0.
        swap: whether the second half is the one that stays.

    Reference: Dinh et al., NICE, arXiv:1410.8516; Dinh et al., Real NVP, ICLR 2017, equations 4 and 5.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> layer = ki.baselines.Coupling((16,))
    >>> y, log_det = layer.forward_and_log_det(tf.ones((3, 4)))
    >>> y.shape, log_det.shape
    (TensorShape([3, 4]), TensorShape([3]))
    """

    def __init__(
        self, units: Sequence[int] = (64, 64), *, affine: bool = True, swap: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units, self.affine, self.swap = tuple(units), affine, swap

    def build(self, input_shape: Shape) -> None:
        """Make the network for (batch, ..., channels)."""
        super().build(input_shape)
        *sides, channels = input_shape[1:]
        if channels < 2:
            raise ValueError(f"A coupling needs two channels. Received: input_shape={tuple(input_shape)}")
        if sides and len(self.units) != 2:
            raise ValueError(f"The network of images has two hidden layers. Received: units={self.units}")
        self._kept = channels // 2
        moved = channels - self._kept
        self.network = keras.Sequential(
            _network(len(sides), self.units, moved * (2 if self.affine else 1), self.stream_dtype)
        )
        self.network.build((None, *sides, self._kept))

    def _parameters(self, kept):
        """s and t, in the dtype of the stream."""
        made = self.network(kept)
        if not self.affine:
            return tf.zeros_like(made), made
        scale, shift = tf.split(made, 2, -1)
        return _LARGEST * tf.tanh(scale / _LARGEST), shift

    def _halves(self, x):
        sizes = (self._kept, x.shape[-1] - self._kept)
        if self.swap:
            moved, kept = tf.split(x, sizes[::-1], -1)
            return kept, moved
        return tf.split(x, sizes, -1)

    def _joined(self, kept, moved):
        return tf.concat((moved, kept) if self.swap else (kept, moved), -1)

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        kept, moved = self._halves(x)
        scale, shift = self._parameters(kept)
        log_det = tf.reduce_sum(scale, list(range(1, x.shape.rank))) if self.affine else 0.0
        return self._joined(kept, moved * tf.exp(scale) + shift), log_det

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        kept, moved = self._halves(y)
        scale, shift = self._parameters(kept)
        return self._joined(kept, (moved - shift) * tf.exp(-scale)), None

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "units": list(self.units), "affine": self.affine, "swap": self.swap}


def _network(sides, units, outputs, dtype):
    """Hidden layers with ReLU, and a last layer of zeros."""
    last = {"kernel_initializer": "zeros", "dtype": dtype, "name": "outputs"}
    if not sides:
        hidden = [keras.layers.Dense(count, activation="relu", dtype=dtype) for count in units]
        return [*hidden, keras.layers.Dense(outputs, **last)]
    hidden = [
        keras.layers.Conv2D(count, side, padding="same", activation="relu", dtype=dtype)
        for count, side in zip(units, (3, 1), strict=True)
    ]
    return [*hidden, keras.layers.Conv2D(outputs, 3, padding="same", **last)]
