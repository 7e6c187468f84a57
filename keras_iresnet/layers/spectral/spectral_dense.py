"""A dense layer whose matrix norm is at most `coeff`."""

from typing import Any

import keras

from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.ops import maps


@keras.saving.register_keras_serializable(package="keras_iresnet")
class SpectralDense(SpectralLayer):
    """y = x W + b with the spectral norm of W held at or below `coeff`.

    Args:
        units: outputs.
        coeff: bound of the norm in (0, 1), or `None` for an ordinary dense layer.
        power_iterations: steps of the power iteration in each training call.
        use_bias: whether to add a bias.
        kernel_initializer: Keras initializer of the kernel.
        norm: p or (p, q): what is held is the norm from l_p to l_q. 2, the spectral norm, by power iteration; 1,
            infinity, any p = q and pairs with p = 1 or q = infinity in closed form.

    Call arguments:
        x: (..., inputs).
        training: whether the power iteration advances.

    Reference: Behrmann et al., ICML 2019, equation 2.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> layer = ki.layers.SpectralDense(4, coeff=0.5)
    >>> layer(tf.ones((2, 3))).shape
    TensorShape([2, 4])
    >>> import numpy as np
    >>> bool(np.linalg.norm(layer.normalized_kernel(), 2) <= 0.501)
    True
    """

    map_type = maps.Dense

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(units, int) or units < 1:
            raise ValueError(f"`units` must be an integer of at least 1. Received: units={units!r}")
        self.units = units

    def build(self, input_shape: Shape) -> None:
        """Create the weights for (..., inputs)."""
        self._build_weights((input_shape[-1], self.units), (self.units,))

    def _input_limits(self, kernel_shape):
        return {"min_ndim": 2, "axes": {-1: kernel_shape[0]}}

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(..., inputs) -> (..., units)."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "units": self.units}
