"""The contractive branch g of a residual block: activations and spectrally normalised layers in turn."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.branches.activations import DEFAULT_ACTIVATION, NORMS_OF, LipschitzActivation
from keras_iresnet.layers.carried import EVALUATION, Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.layers.seeds import draw_seed
from keras_iresnet.layers.spectral.spectral_conv2d import SpectralConv2D
from keras_iresnet.layers.spectral.spectral_dense import SpectralDense
from keras_iresnet.layers.spectral.spectral_layer import (
    DEFAULT_COEFF,
    DEFAULT_POWER_ITERATIONS,
    SpectralLayer,
    as_norm,
    check_coeff,
    check_power_iterations,
)
from keras_iresnet.ops import maps


class Branch(FullPrecision, keras.layers.Layer):
    """g = W_n phi(... W_2 phi(W_1 phi(x))), with Lip(g) <= coeff^n.

    With a condition c, g(x, c) adds an offset A_i c to what each W_i but the last gives. The offsets do not depend on
    x, so the A_i are free and the bound is the same. They start at 0: an untrained g does not see c.

    A subclass names its linear layers in `_linear_layers`; the last of them has as many outputs as the input has
    channels.

    Args:
        coeff: bound of each layer's norm, in (0, 1), or `None`.
        activation: 1-Lipschitz activation, see `LipschitzActivation`.
        power_iterations: steps of the power iteration in each training call.
        preactivate: whether the first layer is preceded by an activation.
        dropout: share, in [0, 1), of what enters the last layer that is set to 0 in training. What is left is not
            scaled up, which would break the bound; elsewhere all is scaled by 1 - dropout instead.
        condition_size: length of the condition vectors, or `None` for g(x).
        seed: integer that the dropout is drawn from.
        norm: p >= 1 of the l_p norm in which g contracts, and its layers are bounded.

    Call arguments:
        x: (batch, *event).
        condition: (batch, condition_size), for a branch that has one, or of images also (batch, height, width,
            condition_size).

    Example:
    >>> import keras_iresnet as ki
    >>> branch = ki.layers.DenseBranch((16, 16), coeff=0.5)
    >>> branch.build((None, 2))
    >>> [layer.coeff for layer in branch.spectral_layers]
    [0.5, 0.5, 0.5]
    """

    def __init__(
        self,
        *,
        coeff: float | None = DEFAULT_COEFF,
        activation: str = DEFAULT_ACTIVATION,
        power_iterations: int = DEFAULT_POWER_ITERATIONS,
        preactivate: bool = True,
        dropout: float = 0.0,
        condition_size: int | None = None,
        seed: int | None = None,
        norm: float | str = 2.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_coeff(coeff)
        self.norm = _checked_norm(norm, activation)
        check_power_iterations(power_iterations)
        if not 0 <= dropout < 1:
            raise ValueError(f"`dropout` must lie in [0, 1). Received: dropout={dropout!r}")
        LipschitzActivation(activation)  # refuses a bad name here rather than when the branch is built
        self.coeff, self.activation = coeff, activation
        self.power_iterations, self.preactivate = power_iterations, preactivate
        self.dropout, self.condition_size, self.seed = dropout, condition_size, seed
        self.seed_generator = keras.random.SeedGenerator(seed) if dropout else None
        self.parts: list[keras.layers.Layer] = []
        self.condition_kernels: list[keras.Variable] = []

    def _linear_layers(self, channels: int, options: dict[str, Any]) -> list[SpectralLayer]:
        raise NotImplementedError

    def build(self, input_shape: Shape) -> None:
        """Create the layers for (batch, ..., channels)."""
        self._rank = len(input_shape)
        options = {"coeff": self.coeff, "power_iterations": self.power_iterations, "dtype": self.dtype_policy}
        options["norm"] = self.norm
        parts = self._make_parts(input_shape[-1], options)
        shape = tuple(input_shape)
        for part in parts:
            part.build(shape)
            shape = part.compute_output_shape(shape)
        self.parts = parts
        if self.condition_size is not None:
            hidden = [layer.kernel.shape[-1] for layer in self.spectral_layers[:-1]]
            self.condition_kernels = [
                self.add_weight(name="condition_kernel", shape=(self.condition_size, units), initializer="zeros")
                for units in hidden
            ]

    def _make_parts(self, channels: int, options: dict[str, Any]) -> list[keras.layers.Layer]:
        """What is applied in turn, the last of it linear, with `channels` outputs."""
        parts: list[keras.layers.Layer] = []
        for i, layer in enumerate(self._linear_layers(channels, options)):
            if i > 0 or self.preactivate:
                parts.append(LipschitzActivation(self.activation, dtype=self.dtype_policy, name=f"activation_{i}"))
            parts.append(layer)
        return parts

    @property
    def spectral_layers(self) -> list[SpectralLayer]:
        """The normalised layers, in order."""
        return [part for part in self.parts if isinstance(part, SpectralLayer)]

    @property
    def lip_target(self) -> float | None:
        """What Lip(g) is held at, coeff^n for n layers; `None` without a `coeff`. `certify` says what is proved."""
        return None if self.coeff is None else self.coeff ** len(self.spectral_layers)

    def as_map(self, carried: Carried = EVALUATION) -> maps.Map:
        """g with its weights normalised once, from and to the dtype of the stream, for one condition an example.

        A mixed policy computes in its lower precision in training alone: rounded, g is a step function, and neither
        its inverse nor the exact density is to be had. A pass that solves with g in training says so, by `precise`.
        """
        dtype = self.compute_dtype if carried.training and not carried.precise else self.stream_dtype
        shifts = self._shifts(carried.condition, dtype)
        inner = [one for part in self.parts for one in self._part_maps(part, carried, dtype, shifts)]
        if self.dropout:
            inner.insert(-1, self._dropout_map(carried.training))
        if dtype != self.stream_dtype:
            inner = [maps.Cast(dtype), *inner, maps.Cast(self.stream_dtype)]
        return maps.Composition(inner)

    def _part_maps(
        self, part: keras.layers.Layer, carried: Carried, dtype: str, shifts: list[maps.Map]
    ) -> Iterator[maps.Map]:
        """The maps of one part, and what a condition adds behind it, which is taken from `shifts`."""
        yield part.as_map(carried, dtype)
        if shifts and isinstance(part, SpectralLayer):
            yield shifts.pop(0)

    def _shifts(self, condition, dtype):
        """The offsets that a condition makes, one behind each linear layer but the last."""
        if (condition is None) != (self.condition_size is None):
            raise ValueError(
                "A branch takes a `condition` if and only if it has a `condition_size`. "
                f"Received: condition_size={self.condition_size}, condition={'none' if condition is None else 'one'}"
            )
        if condition is None:
            return []
        if condition.shape.rank == 2:  # the same at every pixel
            condition = tf.reshape(condition, (-1, *[1] * (self._rank - 2), condition.shape[-1]))
        return [maps.Shift(tf.cast(tf.matmul(condition, kernel), dtype)) for kernel in self.condition_kernels]

    def _dropout_map(self, training):
        return maps.Mask(self.dropout, draw_seed(self.seed_generator)) if training else maps.Scale(1 - self.dropout)

    def call(self, x: tf.Tensor, condition: tf.Tensor | None = None, training: bool | None = None) -> tf.Tensor:
        """x (batch, *event) -> g(x) or g(x, condition) (batch, *event)."""
        return self.as_map(Carried(training=bool(training), condition=condition))(tf.cast(x, self.stream_dtype))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)

    def compute_output_spec(
        self, x: keras.KerasTensor, condition: keras.KerasTensor | None = None, training: bool | None = None
    ) -> keras.KerasTensor:
        """Shape and dtype of the output: the stream's dtype, whatever the policy computes in."""
        del condition, training
        return keras.KerasTensor(self.compute_output_shape(x.shape), dtype=self.stream_dtype)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {
            **super().get_config(),
            "coeff": self.coeff,
            "activation": self.activation,
            "power_iterations": self.power_iterations,
            "preactivate": self.preactivate,
            "dropout": self.dropout,
            "condition_size": self.condition_size,
            "seed": self.seed,
            "norm": str(self.norm) if math.isinf(self.norm) else self.norm,
        }


@keras.saving.register_keras_serializable(package="keras_iresnet")
class ConvBranch(Branch):
    """The image branch of Behrmann et al. 2019: 3x3, 1x1 and 3x3 convolutions.

    Args:
        channels: hidden channels, an integer for all or one per hidden layer.
        kernel_sizes: sides of the kernels.
        **kwargs: as for `Branch`: `coeff`, `activation`, `power_iterations`, `preactivate`, `dropout`,
            `condition_size`.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> g = ki.layers.ConvBranch(16, coeff=0.9)
    >>> g(tf.ones((2, 8, 8, 4))).shape
    TensorShape([2, 8, 8, 4])
    """

    def __init__(
        self, channels: int | Sequence[int], *, kernel_sizes: Sequence[int] = (3, 1, 3), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_sizes = tuple(kernel_sizes)
        self.channels = _as_tuple("channels", channels, len(self.kernel_sizes) - 1)

    def _linear_layers(self, channels: int, options: dict[str, Any]) -> list[SpectralLayer]:
        sizes = zip((*self.channels, channels), self.kernel_sizes, strict=True)
        return [SpectralConv2D(filters, side, name=f"conv_{i}", **options) for i, (filters, side) in enumerate(sizes)]

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "channels": list(self.channels), "kernel_sizes": list(self.kernel_sizes)}


@keras.saving.register_keras_serializable(package="keras_iresnet")
class DenseBranch(Branch):
    """The branch for vectors, as in the paper's 2-D toys: D-64-64-64-D.

    Args:
        units: hidden units, one per hidden layer.
        **kwargs: as for `Branch`: `coeff`, `activation`, `power_iterations`, `preactivate`, `dropout`,
            `condition_size`.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> ki.layers.DenseBranch((16, 16))(tf.ones((5, 2))).shape
    TensorShape([5, 2])
    """

    def __init__(self, units: Sequence[int] = (64, 64, 64), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = tuple(units)

    def _linear_layers(self, channels: int, options: dict[str, Any]) -> list[SpectralLayer]:
        return [SpectralDense(units, name=f"dense_{i}", **options) for i, units in enumerate((*self.units, channels))]

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "units": list(self.units)}


def _checked_norm(norm, activation):
    """p, for which the activation is 1-Lipschitz too."""
    p, q = as_norm(norm)
    if p != q:
        raise ValueError(f"A branch contracts in one norm: `norm` must be one number. Received: norm={norm!r}")
    least, most = NORMS_OF.get(activation, (1, math.inf))
    if not least <= p <= most:
        raise ValueError(f"{activation!r} is 1-Lipschitz in l_p for p from {least} to {most}. Received: norm={norm!r}")
    return p


def _as_tuple(name, value, length):
    values = (value,) * length if isinstance(value, int) else tuple(value)
    if len(values) != length:
        raise ValueError(f"`{name}` must be one integer or {length}, one per hidden layer. Received: {name}={value!r}")
    return values
