"""Activations whose Lipschitz constant is 1, with their derivatives."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import EVALUATION, Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.ops import maps

DEFAULT_ACTIVATION = "elu"

_LIPSWISH_BETA = 0.5  # softplus of it starts the slope, as in Chen et al. 2019


def _elu(x):
    y = tf.nn.elu(x)
    return y, 1 - tf.nn.relu(-y)  # y + 1 below 0: no second exponential, and no selection in its gradient


def _softplus(x):
    return tf.nn.softplus(x), tf.sigmoid(x)


def _relu(x):
    return tf.nn.relu(x), tf.cast(x > 0, x.dtype)


@tf.custom_gradient
def _lipswish(x, beta):
    """x sigmoid(beta x) / 1.1 and its slope, with gradients in a third of the operations that a tape would record."""
    gate = tf.sigmoid(beta * x)
    bend = gate * (1 - gate)  # the gate's derivative
    value, slope = x * gate / 1.1, (gate + beta * x * bend) / 1.1

    def gradient(value_upstream, slope_upstream):
        curvature = bend * (2 + beta * x * (1 - 2 * gate)) / 1.1  # the slope's derivative is beta times this
        by_x = value_upstream * slope + slope_upstream * (beta * curvature)
        by_beta = tf.reduce_sum(x * (value_upstream * x * bend / 1.1 + slope_upstream * curvature))
        return by_x, by_beta

    return (value, slope), gradient


_MAPS: dict[str, Callable[..., maps.Map]] = {
    "elu": lambda: maps.Elementwise(_elu),
    "softplus": lambda: maps.Elementwise(_softplus),
    "relu": lambda: maps.Elementwise(_relu),
    "maxmin": maps.MaxMin,
    "lipswish": lambda beta: maps.Elementwise(_lipswish, beta),
}

ACTIVATIONS = tuple(_MAPS)

_REFUSED = {
    "swish": "its slope reaches 1.1; 'lipswish' is swish / 1.1",
    "silu": "its slope reaches 1.1; 'lipswish' is swish / 1.1",
    "gelu": "its slope reaches 1.13",
    "mish": "its slope reaches 1.09",
    "selu": "its slope reaches 1.76",
    "exponential": "its slope is unbounded",
}


@keras.saving.register_keras_serializable(package="keras_iresnet")
class LipschitzActivation(FullPrecision, keras.layers.Layer):
    """A nonlinearity phi with |phi(a) - phi(b)| <= |a - b|.

    | name | phi | derivative |
    |---|---|---|
    | `"elu"` | x for x > 0, else exp(x) - 1 | continuous: the default |
    | `"softplus"` | log(1 + exp(x)) | smooth |
    | `"relu"` | max(x, 0) | jumps, so the log-det is not continuous in the weights |
    | `"maxmin"` | pairs of channels sorted (Anil et al., ICML 2019) | jumps; keeps the norm of gradients |
    | `"lipswish"` | x sigmoid(beta x) / 1.1, beta learned (Chen et al., NeurIPS 2019) | smooth |

    Args:
        activation: one of the names above.

    Raises:
        ValueError: another name, with the reason why it is refused where there is one.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> ki.layers.LipschitzActivation("maxmin")(tf.constant([[1.0, 3.0]])).numpy().tolist()
    [[3.0, 1.0]]
    """

    def __init__(self, activation: str = DEFAULT_ACTIVATION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if activation not in _MAPS:
            reason = _REFUSED.get(activation, "no proof of its Lipschitz constant and no derivative of it is here")
            raise ValueError(
                f"`activation` must be 1-Lipschitz, one of {', '.join(sorted(_MAPS))}. "
                f"Received: activation={activation!r} ({reason})"
            )
        self.activation = activation

    def build(self, input_shape: Shape) -> None:
        """Check the pairing of channels, create the learned slope."""
        if self.activation == "maxmin" and input_shape[-1] % 2:
            raise ValueError(
                "'maxmin' sorts pairs of channels: their number must be even. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        if self.activation == "lipswish":
            start = keras.initializers.Constant(_LIPSWISH_BETA)
            self.beta = self.add_weight(name="beta", shape=(), initializer=start)

    def as_map(self, carried: Carried = EVALUATION, dtype: str | None = None) -> maps.Map:
        """The activation as a map, for tensors of `dtype` (the compute dtype by default)."""
        del carried  # nothing here depends on how a pass is meant
        if self.activation == "lipswish":
            beta = tf.nn.softplus(tf.convert_to_tensor(self.beta))
            return _MAPS["lipswish"](tf.cast(beta, dtype or self.compute_dtype))
        return _MAPS[self.activation]()

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """x (batch, ..., channels) -> the same shape, in the compute dtype."""
        return self.as_map()(tf.cast(x, self.compute_dtype))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "activation": self.activation}
