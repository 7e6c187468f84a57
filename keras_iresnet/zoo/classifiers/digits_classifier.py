"""A classifier of scikit-learn's 8x8 digits: trains in a minute on a laptop."""

import dataclasses
from typing import Any

from keras_iresnet.models import Classifier
from keras_iresnet.zoo.classifiers.image_classifier import image_classifier, variant
from keras_iresnet.zoo.classifiers.mnist_classifier import SMALL_RECIPE as SMALL_MNIST
from keras_iresnet.zoo.registry import register

__all__ = ["digits_classifier"]

RECIPE = dataclasses.replace(
    SMALL_MNIST,
    dataset="digits",
    augmentation="none",
    epochs=60,
    minutes=None,
    batch_size=64,
    warmup_steps=20,
)


@register(RECIPE, task="classification")
@variant(blocks=(2, 2), channels=32, initial_squeeze=True, strides=(1, 2), pad_channels=4)
def digits_classifier(**keywords: Any) -> Classifier:
    """A classifier of images (batch, 8, 8, 1) with 17 values a pixel.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.digits_classifier(blocks=(1, 1), channels=8).num_classes
    10
    """
    return image_classifier((8, 8, 1), 10, bins=17, **keywords)
