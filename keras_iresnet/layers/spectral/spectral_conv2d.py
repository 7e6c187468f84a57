"""A 2-D convolution whose operator norm is at most `coeff`."""

from typing import Any

import keras

from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.ops import maps


@keras.saving.register_keras_serializable(package="keras_iresnet")
class SpectralConv2D(SpectralLayer):
    """Convolution with the norm of its operator, on its own grid, held at or below `coeff`.

    Args:
        filters: channels out.
        kernel_size: side of the square kernel.
        strides: step of both axes.
        padding: `"same"` (zeros, as in `keras.layers.Conv2D`) or `"valid"`.
        coeff: bound of the norm in (0, 1), or `None` for an ordinary convolution.
        power_iterations: steps of the power iteration in each training call.
        use_bias: whether to add a bias.
        kernel_initializer: Keras initializer of the kernel.
        norm: p or (p, q): what is held is the norm from l_p to l_q. 2, the spectral norm, by power iteration; 1,
            infinity, any p = q and pairs with p = 1 or q = infinity in closed form.

    Call arguments:
        x: (batch, height, width, channels); the grid is fixed by the first call.
        training: whether the power iteration advances.

    Reference: Behrmann et al., ICML 2019, equation 2; Gouk et al., arXiv:1804.04368.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> layer = ki.layers.SpectralConv2D(8, 3, coeff=0.5)
    >>> layer(tf.ones((1, 6, 6, 3))).shape
    TensorShape([1, 6, 6, 8])
    """

    map_type = maps.Conv2D

    def __init__(
        self, filters: int, kernel_size: int, *, strides: int = 1, padding: str = "same", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        for name, count in {"filters": filters, "kernel_size": kernel_size, "strides": strides}.items():
            if not isinstance(count, int) or count < 1:
                raise ValueError(f"`{name}` must be an integer of at least 1. Received: {name}={count!r}")
        if padding not in ("same", "valid"):
            raise ValueError(f"`padding` must be 'same' or 'valid'. Received: padding={padding!r}")
        self.filters, self.kernel_size, self.strides, self.padding = filters, kernel_size, strides, padding

    def build(self, input_shape: Shape) -> None:
        """Create the weights for (batch, height, width, channels)."""
        if len(input_shape) != 4 or None in input_shape[1:]:
            raise ValueError(
                "A convolution's norm belongs to its grid: the input must have the static shape "
                f"(batch, height, width, channels). Received: input_shape={tuple(input_shape)}"
            )
        self._grid = tuple(input_shape[1:])
        if min(self.compute_output_shape(input_shape)[1:3]) < 1:
            raise ValueError(
                f"The grid must not be smaller than the kernel. Received: input_shape={tuple(input_shape)}, "
                f"kernel_size={self.kernel_size}, padding={self.padding!r}"
            )
        kernel_shape = (self.kernel_size, self.kernel_size, input_shape[-1], self.filters)
        output_shape = self.compute_output_shape(input_shape)[1:]
        self._build_weights(kernel_shape, output_shape if self.kernel_size > 1 else output_shape[-1:])

    def _norm_operator(self, kernel):
        if self.kernel_size > 1:
            return super()._norm_operator(kernel)
        return maps.Dense, kernel[0, 0], {}  # one matrix at every pixel: its norm is the operator's

    def _input_limits(self, kernel_shape):
        del kernel_shape
        return {"shape": (None, *self._grid)}

    def _map_options(self):
        return {"grid": self._grid, "strides": self.strides, "padding": self.padding.upper()}

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, height, width, channels) -> (batch, height', width', filters)."""
        sides = [self._side(side) for side in input_shape[1:3]]
        return (input_shape[0], *sides, self.filters)

    def _side(self, side):
        covered = side if self.padding == "same" else side - self.kernel_size + 1
        return -(-covered // self.strides)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
        }
