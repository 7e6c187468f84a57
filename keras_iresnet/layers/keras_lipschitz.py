"""Lipschitz constants of Keras's own layers, as they are in evaluation, where they can be had."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from keras_iresnet.ops.bounds import matrix_norm
from keras_iresnet.ops.bounds.conv_bounds import NormBound

# Largest slopes of what Keras applies to each value; of softmax, the largest norm of its Jacobian.
_ACTIVATIONS = {
    "linear": 1.0,
    "relu": 1.0,
    "relu6": 1.0,
    "elu": 1.0,
    "celu": 1.0,
    "softplus": 1.0,
    "softsign": 1.0,
    "softmax": 1.0,
    "tanh": 1.0,
    "hard_tanh": 1.0,
    "sigmoid": 0.25,
    "hard_sigmoid": 1 / 6,
    "log_sigmoid": 1.0,
    "silu": 1.1,
    "gelu": 1.13,
    "mish": 1.09,
    "selu": 1.7581,
}

Found = Iterable[NormBound] | str  # bounds of what it does in turn, or why none is known


def _activation(function):
    """The bound of an activation function; none where it is 1, as for most."""
    for name, slope in _ACTIVATIONS.items():
        if function is keras.activations.get(name):
            return [] if slope == 1 else [NormBound(slope, "activation")]
    return f"whose activation is {getattr(function, '__name__', type(function).__name__)}"


def _with_activation(layer, linear):
    activation = _activation(layer.activation)
    return activation if isinstance(activation, str) else [linear, *activation]


def _unclear(layer):
    """Why a linear layer does not compute with its kernel as it stands, or `None`."""
    if layer.compute_dtype not in ("float32", "float64"):
        return f"which rounds to {layer.compute_dtype}"  # a step function, of no Lipschitz constant
    return "which is quantized" if getattr(layer, "quantization_mode", None) else None


def _dense(layer, input_shape, conv):
    del input_shape, conv
    return _unclear(layer) or _with_activation(layer, NormBound(matrix_norm(np.asarray(layer.kernel)), "matrix"))


def _conv2d(layer, input_shape, conv):
    if _unclear(layer):
        return _unclear(layer)
    grid = tuple(input_shape[1:3])
    plain = layer.groups == 1 and set(layer.dilation_rate) == {1} and layer.data_format == "channels_last"
    if not plain or len(set(layer.strides)) > 1 or None in grid or layer.padding not in ("same", "valid"):
        return "which has groups, dilation, other strides a side, channels first, or no fixed grid"
    kernel = np.asarray(layer.kernel)
    return _with_activation(layer, conv(kernel, grid, strides=layer.strides[0], padding=layer.padding))


def _slopes(*values):
    slope = max(abs(float(value)) for value in values)
    return [] if slope == 1 else [NormBound(slope, "activation")]


def _relu(layer, input_shape, conv):
    del input_shape, conv
    return "which jumps at its threshold" if layer.threshold else _slopes(1.0, layer.negative_slope or 0.0)


def _nothing(layer, input_shape, conv):
    del layer, input_shape, conv
    return []


KERAS_PARTS: dict[type, Callable[[Any, Any, Any], Found]] = {
    keras.layers.Dense: _dense,
    keras.layers.Conv2D: _conv2d,
    keras.layers.Activation: lambda layer, *_: _activation(layer.activation),
    keras.layers.ReLU: _relu,
    keras.layers.LeakyReLU: lambda layer, *_: _slopes(1.0, layer.negative_slope),
    keras.layers.ELU: lambda layer, *_: _slopes(1.0, layer.alpha),
    # What moves values, and what does nothing in evaluation.
    **dict.fromkeys(
        (
            keras.layers.InputLayer,
            keras.layers.Flatten,
            keras.layers.Reshape,
            keras.layers.Permute,
            keras.layers.Dropout,
            keras.layers.SpatialDropout2D,
            keras.layers.Identity,
        ),
        _nothing,
    ),
}
