"""The networks inside couplings and differential equations: dense for vectors, convolutions for images."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.models.batch_norm import batch_norm


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Conditioner(FullPrecision, keras.layers.Layer):
    """Hidden layers, and a last one whose kernel begins at 0, so that training begins near the identity.

    Of vectors all layers are dense. Of images they are convolutions: 3x3 the first and the last, and those between as
    `inner_side` says, 1x1 as in Glow (Kingma and Dhariwal, NeurIPS 2018); with `residual` they stand in pairs around
    which the stream goes on, as in Real NVP (Dinh et al., ICLR 2017). It computes in full precision under any policy.

    Args:
        units: hidden units, or channels, one per hidden layer; with `residual` one per pair, all the same.
        outputs: units or channels of the last layer.
        activation: name of a Keras activation.
        inner_side: of the kernels between the first and the last, of images.
        residual: whether each hidden layer after the first is a pair x + W2 phi(W1 phi(x)).
        normalized: whether batch normalisation stands before each activation, as in i-RevNet.
        timed: whether the time is appended to the input of each layer, of a network f(z, t).

    Raises:
        ValueError: no hidden units, or a residual network of several widths.

    Call arguments:
        x: (batch, features) or (batch, height, width, channels).
        time: scalar, where `timed`.
        training: whether batch normalisation uses the batch.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.baselines.conditioner import Conditioner
    >>> Conditioner((16, 16), 6)(tf.ones((2, 4, 4, 3))).shape
    TensorShape([2, 4, 4, 6])
    """

    def __init__(
        self,
        units: Sequence[int],
        outputs: int,
        *,
        activation: str = "relu",
        inner_side: int = 1,
        residual: bool = False,
        normalized: bool = False,
        timed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units, self.outputs = tuple(units), outputs
        if not self.units or min(self.units) < 1 or (residual and len(set(self.units)) > 1):
            raise ValueError(
                "`units` must hold one number of at least 1 for each hidden layer, the same ones in a residual network."
                f" Received: units={self.units!r}"
            )
        self.activation, self.inner_side = activation, inner_side
        self.residual, self.normalized, self.timed = residual, normalized, timed

    def build(self, input_shape: Shape) -> None:
        """Create the layers for (batch, features) or (batch, height, width, channels)."""
        self._phi = keras.activations.get(self.activation)
        first, *others = self.units
        widths = [first, *(width for width in others for _ in range(2 if self.residual else 1))]
        count = len(widths)
        sides = [3] + [self.inner_side] * (count - 1)
        self.hidden = [self._linear(input_shape, width, side) for width, side in zip(widths, sides, strict=True)]
        self.last = self._linear(input_shape, self.outputs, 3, kernel_initializer="zeros")
        self.norms = [batch_norm(dtype=self.stream_dtype) for _ in range(count)] if self.normalized else []
        shape = tuple(input_shape)
        for index, layer in enumerate([*self.hidden, self.last]):
            layer.build((*shape[:-1], shape[-1] + self.timed))
            shape = tuple(layer.compute_output_shape(shape))
            if self.normalized and index < count:
                self.norms[index].build(shape)

    def call(self, x: tf.Tensor, time: Any = None, training: bool | None = None) -> tf.Tensor:
        """x (batch, ..., channels) -> (batch, ..., outputs)."""

        def hidden(index, x):
            """A hidden layer's values, after the activation."""
            x = self._apply(self.hidden[index], x, time)
            return self._phi(self.norms[index](x, training=training) if self.normalized else x)

        x = hidden(0, x)
        for index in range(1, len(self.hidden), 2 if self.residual else 1):
            x = x + hidden(index + 1, hidden(index, x)) if self.residual else hidden(index, x)
        return self._apply(self.last, x, time)

    def _apply(self, layer, x, time):
        if self.timed:
            x = tf.concat([x, tf.fill(tf.concat([tf.shape(x)[:-1], [1]], 0), tf.cast(time, x.dtype))], -1)
        return layer(x)

    def _linear(self, input_shape, outputs, side, **options):
        options["dtype"] = self.stream_dtype
        if len(input_shape) == 2:
            return keras.layers.Dense(outputs, **options)
        return keras.layers.Conv2D(outputs, side, padding="same", **options)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, ..., outputs)."""
        return (*input_shape[:-1], self.outputs)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {
            **super().get_config(),
            "units": list(self.units),
            "outputs": self.outputs,
            "activation": self.activation,
            "inner_side": self.inner_side,
            "residual": self.residual,
            "normalized": self.normalized,
            "timed": self.timed,
        }
