"""Invertible layers one after the other."""

import keras
import tensorflow as tf

from keras_iresnet.layers.invertible import InverseReport, InvertibleLayer
from keras_iresnet.layers.seeds import split_seed
from keras_iresnet.layers.spectral.norm_groups import normalized_together


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Chain(InvertibleLayer):
    """y = F_n(... F_2(F_1(x))); the log-dets add up.

    Args:
        layers: invertible layers, from first to last.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> chain = ki.layers.Chain([ki.layers.Squeeze(), ki.layers.ActNorm()])
    >>> y, log_det = chain.forward_and_log_det(tf.ones((2, 8, 8, 1)))
    >>> y.shape, log_det.shape
    (TensorShape([2, 4, 4, 4]), TensorShape([2]))
    """

    def __init__(self, layers, **kwargs):
        super().__init__(**kwargs)
        self.layers = list(layers)
        for layer in self.layers:
            check_invertible("layers", layer, self)

    def build(self, input_shape):
        """Build the layers, each for the output shape of the one before."""
        super().build(input_shape)
        shape = tuple(input_shape)
        for layer in self.layers:
            if not layer.built:
                layer.build(shape)
            shape = tuple(layer.compute_output_shape(shape))

    def compute_output_shape(self, input_shape):
        """The last layer's output shape."""
        shape = tuple(input_shape)
        for layer in self.layers:
            shape = tuple(layer.compute_output_shape(shape))
        return shape

    def call(self, x, condition=None, training=None):
        """x (batch, *event) -> y."""
        x = self._cast(x)
        with normalized_together(self, bool(training)):
            for layer in self.layers:
                x = layer(x, condition=condition, training=training)
        return x

    def initialize(self, x, condition=None):
        """Initialise the layers in turn, each from what the ones before make of x."""
        x = self._ready(x)
        for layer in self.layers:
            x = layer.initialize(x, condition)
        return x

    def _forward_and_log_det(self, x, *, seed, **options):
        total = tf.zeros((), x.dtype)
        for layer, layer_seed in zip(self.layers, split_seed(seed, len(self.layers)), strict=True):
            x, log_det = layer._forward_and_log_det(x, seed=layer_seed, **options)
            total += log_det
        return x, total

    def _inverse_and_report(self, y, condition):
        report = InverseReport.exact(y)
        for layer in reversed(self.layers):
            y, layer_report = layer.inverse_and_report(y, condition)
            report = report.then(layer_report)
        return y, report

    def get_config(self):
        """JSON only."""
        return {
            **super().get_config(),
            "layers": [keras.saving.serialize_keras_object(layer) for layer in self.layers],
        }

    @classmethod
    def from_config(cls, config):
        """Rebuild the layers from their configs."""
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})


def check_invertible(name, layer, owner=None):
    """Refuse a layer without an inverse, or of another precision than the layer or model that holds it, if one does."""
    if not isinstance(layer, InvertibleLayer):
        raise ValueError(
            f"`{name}` must hold invertible layers (keras_iresnet.layers.InvertibleLayer). "
            f"Received: {type(layer).__name__}"
        )
    if owner is not None and layer.stream_dtype != owner.stream_dtype:
        raise ValueError(
            f"`{name}` must have the precision of what holds them, {owner.stream_dtype}. "
            f"Received: {layer.name} with {layer.stream_dtype}"
        )
