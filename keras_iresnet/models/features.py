"""The trained network of a classifier as one layer, to put a model of one's own on top of its features."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.models.example_checks import checked_examples, in_unit_interval


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Features(FullPrecision, keras.layers.Layer):
    """Images -> features, as a `Classifier` makes them; `Classifier.feature_extractor` gives the one of a classifier.

    Args:
        layer: from images in [0, 1] to features; it is shared, not copied.
        event_shape: (height, width, channels) of an image.
        bins: number of values of a pixel.

    Example:
    >>> import keras
    >>> import keras_iresnet as ki
    >>> clf = ki.zoo.digits_classifier(blocks=(1,), channels=4, strides=(1,))
    >>> clf.feature_extractor.trainable = False
    >>> images = keras.Input((8, 8, 1), dtype="uint8")
    >>> pooled = keras.layers.GlobalAveragePooling2D()(clf.features(images))
    >>> keras.Model(images, keras.layers.Dense(2)(pooled)).output_shape
    (None, 2)
    """

    def __init__(self, layer: keras.layers.Layer, event_shape: Sequence[int], bins: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer, self.event_shape, self.bins = layer, tuple(event_shape), bins

    def build(self, input_shape: Shape) -> None:
        """Build the layer, if nobody has."""
        if not self.layer.built:
            self.layer.build((None, *self.event_shape))

    def call(self, x: Any, training: bool | None = None) -> tf.Tensor:
        """x (batch, *event_shape), integers in [0, bins) or floats in [0, 1] -> features."""
        x = checked_examples(x, self.event_shape, self.bins)
        return self.layer(in_unit_interval(x, self.bins, self.stream_dtype), training=training)

    def compute_output_spec(self, x: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Shape and dtype of the features."""
        del training
        return keras.KerasTensor(self.layer.compute_output_shape(tuple(x.shape)), dtype=self.stream_dtype)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer, "event_shape": list(self.event_shape), "bins": self.bins}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the layer from its config."""
        return cls(**{**config, "layer": keras.saving.deserialize_keras_object(config["layer"])})
