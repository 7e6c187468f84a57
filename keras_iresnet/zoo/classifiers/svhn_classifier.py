"""Classifiers of SVHN's 32x32 house numbers: those of CIFAR-10, without the flip."""

import dataclasses
from typing import Any

from keras_iresnet.models import Classifier
from keras_iresnet.zoo.classifiers.cifar_classifier import AUTHORS, SMALL
from keras_iresnet.zoo.classifiers.cifar_classifier import RECIPE as CIFAR
from keras_iresnet.zoo.classifiers.cifar_classifier import SMALL_RECIPE as SMALL_CIFAR
from keras_iresnet.zoo.classifiers.image_classifier import image_classifier, variant
from keras_iresnet.zoo.registry import register

__all__ = ["svhn_classifier", "svhn_classifier_small"]

_OWN: dict[str, Any] = {"dataset": "svhn_cropped", "augmentation": "shift"}
RECIPE = dataclasses.replace(CIFAR, **_OWN)
SMALL_RECIPE = dataclasses.replace(SMALL_CIFAR, **_OWN)


@register(RECIPE, task="classification")
@variant(**AUTHORS)
def svhn_classifier(**keywords: Any) -> Classifier:
    """The authors' CIFAR classifier for SVHN images (batch, 32, 32, 3).

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.svhn_classifier(blocks=(1, 1, 1), channels=8).num_classes
    10
    """
    return image_classifier((32, 32, 3), 10, **keywords)


@register(SMALL_RECIPE, task="classification")
@variant(**SMALL)
def svhn_classifier_small(**keywords: Any) -> Classifier:
    """A classifier of SVHN images (batch, 32, 32, 3) for a laptop.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.svhn_classifier_small(blocks=(1, 1), channels=8).num_classes
    10
    """
    return image_classifier((32, 32, 3), 10, **keywords)
