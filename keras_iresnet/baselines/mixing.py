"""Linear layers that let every channel meet every other: what stands between couplings."""

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

_ROUNDING = 1e-6  # relative to the largest singular value: W is made of float32 factors


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Reverse(InvertibleLayer):
    """The last axis in reversed order; the log-determinant is 0.

    Reference: Dinh et al., Real NVP, ICLR 2017, section 3.5.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> ki.baselines.Reverse()(tf.constant([[1.0, 2.0, 3.0]])).numpy().tolist()
    [[3.0, 2.0, 1.0]]
    """

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        return tf.reverse(x, [-1]), 0.0

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        return tf.reverse(y, [-1]), None

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        return MapBounds()


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Mixing(InvertibleLayer):
    """y = x W over the last axis, W = P L (U + diag(s)): an invertible 1x1 convolution.

    P is a permutation, drawn once; L is lower and U upper triangular, without diagonals but the 1s of L; s are trained
    by sign and logarithm. W starts as a rotation. The log-determinant is the number of positions times sum log|s|.

    Args:
        seed: integer that the rotation is drawn from.

    Reference: Kingma & Dhariwal, Glow, NeurIPS 2018, section 3.2, equations 10 and 11.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> layer = ki.baselines.Mixing(seed=1)
    >>> y = layer(tf.ones((1, 4)))
    >>> f"{tf.norm(y).numpy():.3f}"  # a rotation keeps the length
    '2.000'
    """

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed

    def build(self, input_shape: Shape) -> None:
        """Make the factors for (batch, ..., channels)."""
        import scipy.linalg

        super().build(input_shape)
        channels = input_shape[-1]
        rotation = np.linalg.qr(np.random.default_rng(self.seed).normal(size=(channels, channels)))[0]
        permutation, lower, upper = scipy.linalg.lu(rotation)
        diagonal = np.diag(upper)

        def weight(name, value, trainable=True):
            constant = keras.initializers.Constant(value)
            options = {"dtype": self.stream_dtype, "trainable": trainable}
            return self.add_weight(name=name, shape=np.shape(value), initializer=constant, **options)

        self.lower = weight("lower", lower)
        self.upper = weight("upper", upper)
        self.log_scale = weight("log_scale", np.log(np.abs(diagonal)))
        self.sign = weight("sign", np.sign(diagonal), trainable=False)
        self.permutation = weight("permutation", permutation, trainable=False)

    def _factors(self):
        lower, upper, scale, sign = map(tf.convert_to_tensor, (self.lower, self.upper, self.log_scale, self.sign))
        strictly = tf.linalg.band_part(lower, -1, 0) - tf.linalg.diag(tf.linalg.diag_part(lower))
        identity = tf.eye(lower.shape[0], dtype=lower.dtype)
        above = tf.linalg.band_part(upper, 0, -1) - tf.linalg.diag(tf.linalg.diag_part(upper))
        return strictly + identity, above + tf.linalg.diag(sign * tf.exp(scale)), scale

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        lower, upper, scale = self._factors()
        matrix = tf.convert_to_tensor(self.permutation) @ lower @ upper
        positions = float(np.prod(x.shape[1:-1], dtype=np.int64))
        return tf.tensordot(x, matrix, 1), positions * tf.reduce_sum(scale)

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        lower, upper, _ = self._factors()
        identity = tf.eye(lower.shape[0], dtype=lower.dtype)
        back = tf.linalg.triangular_solve(upper, tf.linalg.triangular_solve(lower, identity), lower=False)
        return tf.tensordot(y, back @ tf.transpose(tf.convert_to_tensor(self.permutation)), 1), None

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        lower, upper, scale = (np.asarray(part, np.float64) for part in self._factors())
        values = np.linalg.svd(np.asarray(self.permutation, np.float64) @ lower @ upper, compute_uv=False)
        positions = math.prod(self.input_spec.shape[1:-1])
        smallest, largest = values[-1] - _ROUNDING * values[0], values[0] * (1 + _ROUNDING)
        return of_scales(max(0.0, smallest), largest, positions * math.fsum(scale), self.name)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "seed": self.seed}
