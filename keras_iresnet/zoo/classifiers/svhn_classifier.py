"""Classifiers of SVHN's 32x32 house numbers: those of CIFAR-10, without the flip."""

import dataclasses

from keras_iresnet.zoo.classifiers.cifar_classifier import AUTHORS, SMALL
from keras_iresnet.zoo.classifiers.cifar_classifier import RECIPE as CIFAR
from keras_iresnet.zoo.classifiers.cifar_classifier import SMALL_RECIPE as SMALL_CIFAR
from keras_iresnet.zoo.classifiers.image_classifier import variant

_OWN = {"dataset": "svhn_cropped", "augmentation": "shift", "published": "none"}
RECIPE = dataclasses.replace(CIFAR, **_OWN, reference="the authors' CIFAR classifier")
SMALL_RECIPE = dataclasses.replace(SMALL_CIFAR, **_OWN)

svhn_classifier = variant(
    "svhn_classifier",
    "The authors' CIFAR classifier for SVHN images (batch, 32, 32, 3).",
    (32, 32, 3),
    10,
    **AUTHORS,
)
svhn_classifier_small = variant(
    "svhn_classifier_small",
    "A classifier of SVHN images (batch, 32, 32, 3) for a laptop.",
    (32, 32, 3),
    10,
    **SMALL,
)
