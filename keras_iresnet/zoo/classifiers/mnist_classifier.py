"""Classifiers of MNIST's 28x28 grey images: the authors' architecture, and one for a laptop.

28 is halved twice, 28 -> 14 -> 7. The authors repeat the image to three channels and append 13; here 15 are appended to
one, for the same width. The small one trains by Adamax in small batches: in a pilot of two minutes on one core, with
32 and 64 channels, its validation error was 2.4 % where that of SGD at a rate of 0.1 was 6.2 %.
"""

import dataclasses

from keras_iresnet.zoo.classifiers.cifar_classifier import RECIPE as CIFAR
from keras_iresnet.zoo.classifiers.cifar_classifier import SMALL
from keras_iresnet.zoo.classifiers.cifar_classifier import SMALL_RECIPE as SMALL_CIFAR
from keras_iresnet.zoo.classifiers.image_classifier import variant

RECIPE = dataclasses.replace(
    CIFAR,
    dataset="mnist",
    augmentation="none",
    parameters=4_873_178,
    published="0.40 % error",
    reference="Behrmann et al., ICML 2019, table 2 at c = 0.9, with the authors' CIFAR architecture",
)
SMALL_RECIPE = dataclasses.replace(
    SMALL_CIFAR,
    dataset="mnist",
    epochs=None,
    minutes=15,
    augmentation="shift",
    batch_size=32,
    optimizer="adamax",
    learning_rate=0.02,
    weight_decay=0.0,
    warmup_epochs=0.0,
    warmup_steps=100,
    parameters=130_042,
    expected="0.60 % error, 15 minutes on two CPU cores",
)

mnist_classifier = variant(
    "mnist_classifier",
    "The authors' architecture for MNIST images (batch, 28, 28, 1).",
    (28, 28, 1),
    10,
    strides=(1, 2, 2),
    pad_channels=15,
)
mnist_classifier_small = variant(
    "mnist_classifier_small",
    "A classifier of MNIST images (batch, 28, 28, 1) that trains in a quarter of an hour on two CPU cores.",
    (28, 28, 1),
    10,
    **SMALL | {"channels": (16, 32), "pad_channels": 12},
)
