"""Classifiers of CIFAR-10 and CIFAR-100: the authors' command, and one for a laptop; SVHN has the same shape.

The paper's text has 39 blocks, `blocks=(13, 13, 13)`. Its weight decay of 5e-4 is an L2 term inside the gradient; ours
is decoupled, and with momentum 0.9 ten times the number pulls as much (docs/options.md).
"""

import dataclasses
from typing import Any

from keras_iresnet.models import Classifier
from keras_iresnet.zoo.classifiers.image_classifier import image_classifier, variant
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.registry import register

__all__ = [
    "cifar10_classifier",
    "cifar10_classifier_small",
    "cifar100_classifier",
    "cifar100_classifier_small",
]

RECIPE = Recipe(
    dataset="cifar10",
    augmentation="shift_flip",
    epochs=200,
    batch_size=128,
    optimizer="sgd",
    learning_rate=0.1,
    momentum=0.9,
    weight_decay=5e-3,
    decay="drop",
    drop_factor=0.2,
    drop_epochs=(60, 120, 160),
)
SMALL_RECIPE = dataclasses.replace(
    RECIPE,
    epochs=20,
    decay="cosine",
    drop_epochs=(),
    warmup_epochs=1,
)
CIFAR100_RECIPE = dataclasses.replace(RECIPE, dataset="cifar100")
SMALL_CIFAR100_RECIPE = dataclasses.replace(SMALL_RECIPE, dataset="cifar100")

AUTHORS = {"blocks": (7, 7, 7), "channels": (32, 64, 128), "strides": (1, 2, 2), "pad_channels": 13}
SMALL = {"blocks": (3, 3), "channels": (32, 64), "initial_squeeze": True, "strides": (1, 2), "pad_channels": 4}


@register(RECIPE, task="classification")
@variant(**AUTHORS)
def cifar10_classifier(**keywords: Any) -> Classifier:
    """The authors' classifier of CIFAR-10 images (batch, 32, 32, 3); the paper's text has `blocks=(13, 13, 13)`.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.cifar10_classifier(blocks=(1, 1, 1), channels=8).num_classes
    10
    """
    return image_classifier((32, 32, 3), 10, **keywords)


@register(SMALL_RECIPE, task="classification")
@variant(**SMALL)
def cifar10_classifier_small(**keywords: Any) -> Classifier:
    """A classifier of CIFAR-10 images (batch, 32, 32, 3) for a laptop.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.cifar10_classifier_small(blocks=(1, 1), channels=8).num_classes
    10
    """
    return image_classifier((32, 32, 3), 10, **keywords)


@register(CIFAR100_RECIPE, task="classification")
@variant(**AUTHORS)
def cifar100_classifier(**keywords: Any) -> Classifier:
    """The authors' CIFAR classifier for the 100 classes of CIFAR-100 (batch, 32, 32, 3).

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.cifar100_classifier(blocks=(1, 1, 1), channels=8).num_classes
    100
    """
    return image_classifier((32, 32, 3), 100, **keywords)


@register(SMALL_CIFAR100_RECIPE, task="classification")
@variant(**SMALL)
def cifar100_classifier_small(**keywords: Any) -> Classifier:
    """A classifier of CIFAR-100 images (batch, 32, 32, 3) for a laptop.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.cifar100_classifier_small(blocks=(1, 1), channels=8).num_classes
    100
    """
    return image_classifier((32, 32, 3), 100, **keywords)
