"""A layer once more in float64, with the same weights: what the rounding of float32 is measured against."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer


class Float64Twin:
    """The twin of one layer, once it was asked for, in an object in which Keras does not look for layers."""

    def __init__(self) -> None:
        self._made: Any = None

    def of(self, layer: Any) -> Any:
        """The twin of the layer whose object this is; its own weights mean nothing, see `with_weights`."""
        if self._made is None:
            with tf.init_scope(), _policy("float64"):
                self._made = _made_again(layer)
        return self._made


def with_weights(pairs: Iterable[tuple[Any, Any]]) -> keras.StatelessScope:
    """A context in which each twin has the weights of its layer, from pairs of both, as they are then."""
    mapping = [both for layer, twin in pairs for both in zip(twin.variables, _values(layer), strict=True)]
    return keras.StatelessScope(state_mapping=mapping, initialize_variables=False)


def spectral_pairs(layer: Any, twin: Any) -> Iterator[tuple[SpectralLayer, SpectralLayer]]:
    """The spectral layers in a layer, each with the one of its twin."""
    return zip(_spectral(layer), _spectral(twin), strict=True)


def _made_again(layer):
    """The layer from its config, which has to say all about it, as it has for saving."""
    classes = {type(inner).__name__: type(inner) for inner in layers_in(layer)}
    with keras.saving.custom_object_scope(classes):
        twin = type(layer).from_config(_in_float64(layer.get_config()))
    twin.build(tuple(layer.input_spec.shape))
    return twin


def _in_float64(config):
    if isinstance(config, dict):
        return {name: "float64" if name == "dtype" else _in_float64(part) for name, part in config.items()}
    return [_in_float64(part) for part in config] if isinstance(config, (list, tuple)) else config


def _values(layer):
    for variable in layer.variables:
        value = tf.convert_to_tensor(variable.value)
        yield tf.cast(value, tf.float64) if value.dtype.is_floating else value


def _spectral(layer):
    return [inner for inner in layers_in(layer) if isinstance(inner, SpectralLayer)]


@contextlib.contextmanager
def _policy(name):
    """A global policy for what says nothing of its own."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
