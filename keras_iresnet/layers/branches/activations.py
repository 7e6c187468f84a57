"""Activations whose Lipschitz constant is 1, with their derivatives."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import EVALUATION, Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.ops import maps

DEFAULT_ACTIVATION = "elu"

GROUP = 4  # channels that "groupsort" sorts together
# Of [swish(x), swish(-x)] / 1.1, since the slopes of swish at x and -x add up to 1: sqrt(s^2 + (1 - s)^2) / 1.1 with
# s <= 1.09984; and of [pila(x - 0.2), pila(-x - 0.2)], both rounded up by their authors.
_CLIPSWISH_LIP, _CPILA_LIP = 1.004, 1.06
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


def _clipswish(x, beta):
    """LipSwish of x and of -x: x sigmoid(beta x) and that of -x differ by x alone."""
    value, slope = _lipswish(x, beta)
    both = (value, value - x / 1.1, slope, slope - 1 / 1.1)
    return tuple(part / _CLIPSWISH_LIP for part in both)


def _pila(x):
    """x for x > 0, else (12.5 x^3 - 5 x^2 + x) exp(5 x), and its slope."""
    low = tf.minimum(x, 0)
    decay = tf.exp(5 * low)
    below = ((12.5 * low - 5) * low + 1) * low * decay
    steep = (((62.5 * low + 12.5) * low - 5) * low + 1) * decay
    return tf.where(x > 0, x, below), tf.where(x > 0, tf.ones_like(x), steep)


def _cpila(x):
    first, first_slope = _pila(x - 0.2)
    second, second_slope = _pila(-x - 0.2)
    return tuple(part / _CPILA_LIP for part in (first, second, first_slope, -second_slope))


_MAPS: dict[str, Callable[..., maps.Map]] = {
    "elu": lambda: maps.Elementwise(_elu),
    "softplus": lambda: maps.Elementwise(_softplus),
    "relu": lambda: maps.Elementwise(_relu),
    "maxmin": maps.MaxMin,
    "groupsort": lambda: maps.GroupSort(GROUP),
    "householder": maps.Householder,
    "clipswish": lambda beta: maps.TwoSided(_clipswish, beta),
    "cpila": lambda: maps.TwoSided(_cpila),
    "lipswish": lambda beta: maps.Elementwise(_lipswish, beta),
}

ACTIVATIONS = tuple(_MAPS)
_GROUPS = {"maxmin": 2, "groupsort": GROUP, "householder": 2}
# p from ... to in whose l_p norm they are 1-Lipschitz, where not in all. The slopes of both sides are at most 1 in l_2,
# and then in any p above.
NORMS_OF = {"householder": (2, 2), "clipswish": (2, math.inf), "cpila": (2, math.inf)}
_TWO_SIDED = ("clipswish", "cpila")
_WITH_BETA = ("lipswish", "clipswish")

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
    | `"groupsort"` | four channels sorted | jumps; keeps the norm of gradients |
    | `"householder"` | pairs of channels reflected at a learned line (Singla et al., ICLR 2022) | jumps; keeps it too |
    | `"clipswish"` | LipSwish of x, -x, / 1.004 (Perugachi-Diaz et al., NeurIPS 2021) | smooth; two outputs of each |
    | `"cpila"` | Pila of x - 0.2, -x - 0.2, / 1.06 (Ahn et al., NeurIPS 2022) | smooth; two outputs of each |
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
        """Check that channels can be grouped, create the learned slope or angles."""
        size = _GROUPS.get(self.activation, 1)
        if input_shape[-1] % size:
            even = "even" if size == 2 else f"a multiple of {size}"
            raise ValueError(
                f"{self.activation!r} takes {size} channels together: their number must be {even}. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        if self.activation in _WITH_BETA:
            start = keras.initializers.Constant(_LIPSWISH_BETA)
            self.beta = self.add_weight(name="beta", shape=(), initializer=start)
        if self.activation == "householder":
            angle = keras.initializers.Constant(math.pi / 2)  # which sorts pairs, as "maxmin" does
            self.theta = self.add_weight(name="theta", shape=(input_shape[-1] // 2,), initializer=angle)

    @property
    def widening(self) -> int:
        """How many channels each becomes."""
        return 2 if self.activation in _TWO_SIDED else 1

    def as_map(self, carried: Carried = EVALUATION, dtype: str | None = None) -> maps.Map:
        """The activation as a map, for tensors of `dtype` (the compute dtype by default)."""
        del carried  # nothing here depends on how a pass is meant
        dtype = dtype or self.compute_dtype
        if self.activation in _WITH_BETA:
            return _MAPS[self.activation](tf.cast(tf.nn.softplus(tf.convert_to_tensor(self.beta)), dtype))
        if self.activation == "householder":
            return _MAPS[self.activation](tf.cast(tf.convert_to_tensor(self.theta), dtype))
        return _MAPS[self.activation]()

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """x (batch, ..., channels) -> as many channels, or twice as many, in the compute dtype."""
        return self.as_map()(tf.cast(x, self.compute_dtype))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input, with the channels that are made of each."""
        return (*input_shape[:-1], self.widening * input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "activation": self.activation}
