"""Masked autoregressive layers: each dimension is shifted and scaled by those before it."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer

_LARGEST = 3.0  # of the logarithm of a scale


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Autoregressive(InvertibleLayer):
    """y_i = (x_i - m_i) exp(-a_i), where m_i and a_i are made of x_1 .. x_(i-1) by one masked network.

    Forward is one pass and its log-determinant -sum a. The inverse knows one more dimension after each pass: it takes
    D of them, which the report counts. A tensor of more axes is taken as a vector, in the order of its memory.

    Args:
        units: of each hidden layer of the network.
        reverse: whether the order of the dimensions is the other way round.

    Reference: Papamakarios et al., Masked Autoregressive Flow, NeurIPS 2017, equations 3 and 6; the masks of Germain et
    al., MADE, ICML 2015, equations 12 and 13.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> layer = ki.baselines.Autoregressive((16,))
    >>> x, report = layer.inverse_and_report(layer(tf.ones((2, 5))))
    >>> report.steps.numpy().tolist()
    [5, 5]
    """

    def __init__(self, units: Sequence[int] = (64, 64), *, reverse: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.reverse = tuple(units), reverse
        if not self.units or min(self.units) < 1:
            raise ValueError(f"`units` must hold a positive number for each hidden layer. Received: units={units!r}")

    def build(self, input_shape: Shape) -> None:
        """Make kernels and masks for (batch, *event)."""
        super().build(input_shape)
        size = int(np.prod(input_shape[1:]))
        order = np.arange(1, size + 1)[:: -1 if self.reverse else 1]
        self.kernels: list[keras.Variable] = []
        self.biases: list[keras.Variable] = []
        self._masks: list[np.ndarray] = []
        before = order
        for index, count in enumerate(self.units):
            # The degrees of hidden units go round, so that each number of inputs is seen by as many.
            after = 1 + np.arange(count) % max(1, size - 1)
            self._add(index, before[:, None] <= after[None, :], "glorot_uniform")
            before = after
        # The output is 0 before training, and the layer the identity.
        self._add(len(self.units), np.tile(before[:, None] < order[None, :], (1, 2)), "zeros")

    def _add(self, index, mask, initializer):
        options = {"dtype": self.stream_dtype}
        self._masks.append(mask.astype(self.stream_dtype))
        self.kernels.append(
            self.add_weight(name=f"kernel_{index}", shape=mask.shape, initializer=initializer, **options)
        )
        self.biases.append(self.add_weight(name=f"bias_{index}", shape=mask.shape[1:], initializer="zeros", **options))

    def _parameters(self, x):
        """Shifts and logarithms of scales of vectors (batch, D)."""
        parts = [
            (tf.convert_to_tensor(kernel) * mask, tf.convert_to_tensor(bias))
            for kernel, mask, bias in zip(self.kernels, self._masks, self.biases, strict=True)
        ]
        *hidden, (kernel, bias) = parts
        for weight, offset in hidden:
            x = tf.nn.elu(tf.matmul(x, weight) + offset)
        shift, scale = tf.split(tf.matmul(x, kernel) + bias, 2, -1)
        return shift, _LARGEST * tf.tanh(scale / _LARGEST)

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        flat = tf.reshape(x, (-1, x.shape[1:].num_elements()))
        shift, scale = self._parameters(flat)
        return tf.reshape((flat - shift) * tf.exp(-scale), tf.shape(x)), -tf.reduce_sum(scale, -1)

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        size = y.shape[1:].num_elements()
        flat = tf.reshape(y, (-1, size))

        def advance(x):
            shift, scale = self._parameters(x)
            return (tf.ensure_shape(flat * tf.exp(scale) + shift, x.shape),)

        (x,) = tf.while_loop(lambda x: True, advance, (flat,), maximum_iterations=size)
        exact = InverseReport.exact(y)
        return tf.reshape(x, tf.shape(y)), exact._replace(steps=exact.steps + size)

    def _inverse_settings(self):
        """Nothing that may change; that there are any has an eager inverse compiled, with its D passes."""
        return ()

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "units": list(self.units), "reverse": self.reverse}
