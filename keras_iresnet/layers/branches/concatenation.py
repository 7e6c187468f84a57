"""[a x, b phi(W x)]: a layer whose output keeps its input, as in DenseNets, and is still 1-Lipschitz."""

from typing import Any, Self

import keras
import tensorflow as tf

from keras_iresnet.layers.branches.activations import LipschitzActivation
from keras_iresnet.layers.carried import EVALUATION, Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.ops import maps

_LEAST = 0.1  # of either weight before they are normalised, so that neither half is lost


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Concatenation(FullPrecision, keras.layers.Layer):
    """y = scale [a x, b phi(W x + c)] with a^2 + b^2 = 1, a and b > 0 learned.

    |y - y'|^2 <= scale^2 (a^2 + b^2 |W|^2) |x - x'|^2, so Lip <= scale where |W| <= 1.

    Args:
        linear: W and c, a `SpectralDense` or a `SpectralConv2D` that keeps the grid.
        activation: name of phi, see `LipschitzActivation`.
        scale: factor of the whole, in (0, 1].

    Raises:
        ValueError: `linear` is another layer, or, when built, changes the grid; or a `scale` outside (0, 1].

    Reference: Perugachi-Diaz et al., Invertible DenseNets, NeurIPS 2021 (arXiv:2102.02694), section 3.2.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> layer = ki.layers.Concatenation(ki.layers.SpectralDense(3))
    >>> layer(tf.ones((2, 4))).shape
    TensorShape([2, 10])
    """

    def __init__(
        self, linear: SpectralLayer, *, activation: str = "clipswish", scale: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(linear, SpectralLayer):
            raise ValueError(f"`linear` must be a SpectralDense or a SpectralConv2D. Received: linear={linear!r}")
        if not 0 < scale <= 1:
            raise ValueError(f"`scale` must lie in (0, 1]. Received: scale={scale!r}")
        self.linear, self.activation, self.scale = linear, activation, scale
        self.nonlinearity = LipschitzActivation(activation, dtype=self.dtype_policy, name="activation")

    def build(self, input_shape: Shape) -> None:
        """Create the weights for (batch, ..., channels)."""
        if not self.linear.built:
            self.linear.build(input_shape)
        new_shape = tuple(self.linear.compute_output_shape(input_shape))
        if new_shape[1:-1] != tuple(input_shape)[1:-1]:
            raise ValueError(
                "`linear` must keep the grid, which its output is put beside: a convolution with padding='same' and "
                f"strides=1. Received: input_shape={tuple(input_shape)}, output_shape={new_shape}"
            )
        self.nonlinearity.build(new_shape)
        ones = {"shape": (), "initializer": "ones"}
        self.weight_kept = self.add_weight(name="weight_kept", **ones)
        self.weight_new = self.add_weight(name="weight_new", **ones)

    def shares(self) -> tuple[tf.Tensor, tf.Tensor]:
        """a and b, scalars whose squares add up to 1, in the dtype of the stream."""
        kept, new = (
            tf.nn.softplus(tf.cast(tf.convert_to_tensor(weight), self.stream_dtype)) + _LEAST
            for weight in (self.weight_kept, self.weight_new)
        )
        length = tf.sqrt(tf.square(kept) + tf.square(new))
        return kept / length, new / length

    def as_map(
        self, carried: Carried = EVALUATION, dtype: str | None = None, shift: maps.Map | None = None
    ) -> maps.Map:
        """The map in `dtype` (the compute dtype by default); `shift` follows the linear layer."""
        dtype = dtype or self.compute_dtype
        inner = [self.linear.as_map(carried, dtype), self.nonlinearity.as_map(carried, dtype)]
        if shift is not None:
            inner.insert(1, shift)
        return maps.Beside(maps.Composition(inner), *(tf.cast(self.scale * share, dtype) for share in self.shares()))

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """x (batch, ..., channels) -> (batch, ..., more channels), in the compute dtype."""
        return self.as_map(Carried(training=bool(training)))(tf.cast(x, self.compute_dtype))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, ..., channels) -> (batch, ..., channels + those of phi)."""
        new = self.nonlinearity.compute_output_shape(self.linear.compute_output_shape(input_shape))
        return (*input_shape[:-1], input_shape[-1] + new[-1])

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {
            **super().get_config(),
            "linear": keras.saving.serialize_keras_object(self.linear),
            "activation": self.activation,
            "scale": self.scale,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the linear layer from its config."""
        return cls(**{**config, "linear": keras.saving.deserialize_keras_object(config["linear"])})
