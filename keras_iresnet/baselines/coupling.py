"""Coupling layers: half of the features are shifted and scaled by a network that sees the other half."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.baselines.conditioner import Conditioner
from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer

MASKS = ("halves", "checkerboard")
SCALES = ("tanh", "sigmoid")
_LARGEST = 2.0  # of the logarithm of a scale by tanh: beyond, steps of training run away
_OPEN = 2.0  # what a sigmoid gets where the network gives 0


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Coupling(InvertibleLayer):
    """(a, b) -> (a, b exp(s(a)) + t(a)): the inverse is a closed form, and so is the log-determinant, sum s.

    a and b are halves of the last axis, or the two colours of a checkerboard; b is the larger one of an odd number. s
    and t come from a `Conditioner`, whose last layer starts at 0: an untrained coupling is the identity. By `"tanh"` s
    lies within 2 of 0. By `"sigmoid"`, as in Glow's code, the scale is sigmoid(o + 2) / sigmoid(2) of the output o,
    1.14 at most: a hundred couplings cannot blow a point up.

    Args:
        units: of each hidden layer of the network.
        affine: whether there is a scale; without one (NICE) the volume stays, and the log-determinant is 0.
        scale: `"tanh"` or `"sigmoid"`.
        swap: whether the second half is the one that stays.
        mask: `"halves"`; or `"checkerboard"`, every other pixel of an image of even width, every other of the features
            of a vector.
        activation: of the network, name of a Keras activation.
        inner_side: of the network, see `Conditioner`.
        residual: of the network, see `Conditioner`.
        normalized: of the network, see `Conditioner`.

    Raises:
        ValueError: there is no such mask or scale; or what is to be cut has one channel, or as a checkerboard an odd
            width.

    Reference: Dinh et al., NICE, arXiv:1410.8516; Dinh et al., Real NVP, ICLR 2017, equations 4 and 5;
    Kingma and Dhariwal, Glow, NeurIPS 2018, table 1, whose code has the sigmoid.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> layer = ki.baselines.Coupling((16,))
    >>> y, log_det = layer.forward_and_log_det(tf.ones((3, 4)))
    >>> y.shape, log_det.shape
    (TensorShape([3, 4]), TensorShape([3]))
    """

    def __init__(
        self,
        units: Sequence[int] = (64, 64),
        *,
        affine: bool = True,
        scale: str = "tanh",
        swap: bool = False,
        mask: str = "halves",
        activation: str = "relu",
        inner_side: int = 1,
        residual: bool = False,
        normalized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if mask not in MASKS:
            raise ValueError(f"`mask` must be one of {', '.join(MASKS)}. Received: mask={mask!r}")
        if scale not in SCALES:
            raise ValueError(f"`scale` must be one of {', '.join(SCALES)}. Received: scale={scale!r}")
        self.scale = scale
        self.units, self.affine, self.swap, self.mask = tuple(units), affine, swap, mask
        self.activation, self.inner_side = activation, inner_side
        self.residual, self.normalized = residual, normalized

    def build(self, input_shape: Shape) -> None:
        """Make the network for (batch, ..., channels)."""
        super().build(input_shape)
        *sides, channels = input_shape[1:]
        if self.mask == "checkerboard" and sides:
            if len(sides) != 2 or sides[1] % 2:
                raise ValueError(
                    f"A checkerboard needs images of even width. Received: input_shape={tuple(input_shape)}"
                )
            sides, channels = [sides[0], sides[1] // 2], 2 * channels
        if channels < 2:
            raise ValueError(f"A coupling needs two channels. Received: input_shape={tuple(input_shape)}")
        self._kept = channels // 2
        self._order = np.r_[1:channels:2, 0:channels:2]  # of a vector: the half that is kept comes first
        self.network = Conditioner(
            self.units,
            (channels - self._kept) * (2 if self.affine else 1),
            activation=self.activation,
            inner_side=self.inner_side,
            residual=self.residual,
            normalized=self.normalized,
            dtype=self.stream_dtype,
        )
        self.network.build((None, *sides, self._kept))

    def _parameters(self, kept, training):
        """s and t, in the dtype of the stream."""
        made = self.network(kept, training=training)
        if not self.affine:
            return tf.zeros_like(made), made
        scale, shift = tf.split(made, 2, -1)
        if self.scale == "sigmoid":
            return tf.math.log_sigmoid(scale + _OPEN) + math.log1p(math.exp(-_OPEN)), shift
        return _LARGEST * tf.tanh(scale / _LARGEST), shift

    def _halves(self, x):
        x = self._cut(x)
        sizes = (self._kept, x.shape[-1] - self._kept)
        if self.swap:
            moved, kept = tf.split(x, sizes[::-1], -1)
            return kept, moved
        return tf.split(x, sizes, -1)

    def _joined(self, kept, moved):
        return self._uncut(tf.concat((moved, kept) if self.swap else (kept, moved), -1))

    def _cut(self, x):
        """The two halves one after the other in the last axis; images of a checkerboard get half as wide."""
        if self.mask == "halves":
            return x
        if x.shape.rank == 2:
            return tf.gather(x, self._order, axis=-1)
        _, height, width, channels = x.shape
        pairs = _swapped_in_odd_rows(tf.reshape(x, (-1, height, width // 2, 2, channels)))
        return tf.reshape(pairs, (-1, height, width // 2, 2 * channels))

    def _uncut(self, x):
        """The inverse of `_cut`."""
        if self.mask == "halves":
            return x
        if x.shape.rank == 2:
            return tf.gather(x, np.argsort(self._order), axis=-1)
        _, height, width, channels = x.shape
        pairs = _swapped_in_odd_rows(tf.reshape(x, (-1, height, width, 2, channels // 2)))
        return tf.reshape(pairs, (-1, height, 2 * width, channels // 2))

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        kept, moved = self._halves(x)
        scale, shift = self._parameters(kept, carried.training)
        log_det = tf.reduce_sum(scale, list(range(1, x.shape.rank))) if self.affine else 0.0
        return self._joined(kept, moved * tf.exp(scale) + shift), log_det

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        kept, moved = self._halves(y)
        scale, shift = self._parameters(kept, carried.training)
        return self._joined(kept, (moved - shift) * tf.exp(-scale)), None

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {
            **super().get_config(),
            "units": list(self.units),
            "affine": self.affine,
            "scale": self.scale,
            "swap": self.swap,
            "mask": self.mask,
            "activation": self.activation,
            "inner_side": self.inner_side,
            "residual": self.residual,
            "normalized": self.normalized,
        }


def _swapped_in_odd_rows(pairs):
    """(batch, rows, columns, 2, channels), the two of each pair swapped in rows 1, 3, 5, ..."""
    odd = tf.reshape(tf.range(pairs.shape[1]) % 2 == 1, (-1, 1, 1, 1))
    return tf.where(odd, tf.reverse(pairs, [3]), pairs)
