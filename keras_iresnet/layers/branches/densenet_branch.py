"""The branch of invertible DenseNets: each layer sees all features before it."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_iresnet.layers.branches.activations import LipschitzActivation
from keras_iresnet.layers.branches.branch import Branch
from keras_iresnet.layers.branches.concatenation import Concatenation
from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.spectral.spectral_conv2d import SpectralConv2D
from keras_iresnet.layers.spectral.spectral_dense import SpectralDense
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.ops import maps


@keras.saving.register_keras_serializable(package="keras_iresnet")
class DenseNetBranch(Branch):
    """g = W_n h_d(... h_1(x)) with h_i(x) = coeff [a_i x, b_i phi(W_i x)], for images or vectors.

    The shares a_i^2 + b_i^2 = 1 are learned, so that every h_i has a Lipschitz constant of at most coeff, and g of
    coeff^(d+1). With a stem, a linear layer before h_1, it is coeff^(d+2).

    Args:
        growth: features that each h_i adds, after its activation: `"clipswish"` makes two of each.
        depth: d, how many h_i.
        kernel_size: side of the kernels W_i over images; the last is 1x1.
        stem: outputs of a linear layer in front, or `None`.
        activation: phi, see `LipschitzActivation`.
        preactivate: whether an activation precedes all.
        **kwargs: as for `Branch`: `coeff`, `power_iterations`, `dropout`, `condition_size`, `seed`.

    Reference: Perugachi-Diaz et al., Invertible DenseNets with Concatenated LipSwish, NeurIPS 2021 (arXiv:2102.02694),
    equation 7 and section 3.2; the authors' code has 3 of growth 172 for images, and 3 of 32 behind a stem of 64 for
    vectors.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> g = ki.layers.DenseNetBranch(6, depth=2)
    >>> g(tf.ones((2, 8, 8, 4))).shape, [tuple(layer.kernel.shape[-2:]) for layer in g.spectral_layers]
    (TensorShape([2, 8, 8, 4]), [(4, 3), (10, 3), (16, 4)])
    """

    def __init__(
        self,
        growth: int,
        *,
        depth: int = 3,
        kernel_size: int = 3,
        stem: int | None = None,
        activation: str = "clipswish",
        preactivate: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(activation=activation, preactivate=preactivate, **kwargs)
        widening = LipschitzActivation(activation).widening
        for name, count, of in (("growth", growth, widening), ("depth", depth, 1), ("kernel_size", kernel_size, 1)):
            if not isinstance(count, int) or count < 1 or count % of:
                what = (
                    f"a multiple of {of}, which is what {activation!r} makes of each feature"
                    if of > 1
                    else "at least 1"
                )
                raise ValueError(f"`{name}` must be an integer, {what}. Received: {name}={count!r}")
        if self.norm < 2:
            raise ValueError(
                "Shares a^2 + b^2 = 1 keep concatenations 1-Lipschitz in l_p for p of at least 2. "
                f"Received: norm={self.norm!r}"
            )
        self.growth, self.depth, self.kernel_size, self.stem = growth, depth, kernel_size, stem
        self._new = growth // widening

    def _make_parts(self, channels: int, options: dict[str, Any]) -> list[keras.layers.Layer]:
        parts: list[keras.layers.Layer] = []
        if self.preactivate:
            parts.append(LipschitzActivation(self.activation, dtype=self.dtype_policy, name="activation"))
        if self.stem is not None:
            parts.append(self._linear(self.stem, 1, "stem", options))
        scale = 1.0 if self.coeff is None else self.coeff
        for i in range(self.depth):
            linear = self._linear(self._new, self.kernel_size, f"linear_{i}", options)
            keywords = {"activation": self.activation, "scale": scale, "dtype": self.dtype_policy}
            parts.append(Concatenation(linear, name=f"concatenation_{i}", **keywords))
        return [*parts, self._linear(channels, 1, "last", options)]

    def _linear(self, outputs, side, name, options):
        if self._rank == 2:
            return SpectralDense(outputs, name=name, **options)
        return SpectralConv2D(outputs, side, name=name, **options)

    @property
    def spectral_layers(self) -> list[SpectralLayer]:
        """The normalised layers, in order."""
        linear = [part.linear if isinstance(part, Concatenation) else part for part in self.parts]
        return [part for part in linear if isinstance(part, SpectralLayer)]

    @property
    def lip_target(self) -> float | None:
        """What Lip(g) is held at: coeff for each concatenation, and for stem and last layer."""
        return None if self.coeff is None else self.coeff ** (self.depth + 1 + (self.stem is not None))

    def _part_maps(
        self, part: keras.layers.Layer, carried: Carried, dtype: str, shifts: list[maps.Map]
    ) -> Iterator[maps.Map]:
        if isinstance(part, Concatenation):
            yield part.as_map(carried, dtype, shifts.pop(0) if shifts else None)
        else:
            yield from super()._part_maps(part, carried, dtype, shifts)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {
            **super().get_config(),
            "growth": self.growth,
            "depth": self.depth,
            "kernel_size": self.kernel_size,
            "stem": self.stem,
        }
