"""Classifiers of CIFAR-10 and CIFAR-100: the authors' command, and one for a laptop; SVHN has the same shape.

The paper's text has 39 blocks, `blocks=(13, 13, 13)`. Its weight decay of 5e-4 is an L2 term inside the gradient; ours
is decoupled, and with momentum 0.9 ten times the number pulls as much (docs/options.md).
"""

import dataclasses

from keras_iresnet.zoo.classifiers.image_classifier import variant
from keras_iresnet.zoo.recipe import Recipe

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
    parameters=4_873_178,
    published="6.78 % error (39 blocks)",
    expected="not trained here",
    reference="Behrmann et al., ICML 2019, table 2 at c = 0.9, by the authors' command",
)
SMALL_RECIPE = dataclasses.replace(
    RECIPE,
    epochs=20,
    decay="cosine",
    drop_epochs=(),
    warmup_epochs=1,
    parameters=266_266,
    published="none",
    reference="Behrmann et al., ICML 2019, with fewer blocks and channels",
)
CIFAR100_RECIPE = dataclasses.replace(
    RECIPE, dataset="cifar100", parameters=4_896_308, published="24.58 % error (39 blocks)"
)
SMALL_CIFAR100_RECIPE = dataclasses.replace(SMALL_RECIPE, dataset="cifar100", parameters=272_116)

AUTHORS = {"blocks": (7, 7, 7), "channels": (32, 64, 128), "strides": (1, 2, 2), "pad_channels": 13}
SMALL = {"blocks": (3, 3), "channels": (32, 64), "initial_squeeze": True, "strides": (1, 2), "pad_channels": 4}

cifar10_classifier = variant(
    "cifar10_classifier",
    "The authors' classifier of CIFAR-10 images (batch, 32, 32, 3); the paper's text has `blocks=(13, 13, 13)`.",
    (32, 32, 3),
    10,
    **AUTHORS,
)
cifar10_classifier_small = variant(
    "cifar10_classifier_small",
    "A classifier of CIFAR-10 images (batch, 32, 32, 3) for a laptop.",
    (32, 32, 3),
    10,
    **SMALL,
)
cifar100_classifier = variant(
    "cifar100_classifier",
    "The authors' CIFAR classifier for the 100 classes of CIFAR-100 (batch, 32, 32, 3).",
    (32, 32, 3),
    100,
    **AUTHORS,
)
cifar100_classifier_small = variant(
    "cifar100_classifier_small",
    "A classifier of CIFAR-100 images (batch, 32, 32, 3) for a laptop.",
    (32, 32, 3),
    100,
    **SMALL,
)
