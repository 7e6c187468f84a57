"""A classifier of scikit-learn's 8x8 digits: trains in a minute on a laptop."""

import dataclasses

from keras_iresnet.zoo.classifiers.image_classifier import variant
from keras_iresnet.zoo.classifiers.mnist_classifier import SMALL_RECIPE as SMALL_MNIST

RECIPE = dataclasses.replace(
    SMALL_MNIST,
    dataset="digits",
    augmentation="none",
    epochs=60,
    minutes=None,
    batch_size=64,
    warmup_steps=20,
    parameters=51_066,
    expected="2.2 % error, 20 epochs in 10 to 30 seconds on two CPU cores",
    reference="Behrmann et al., ICML 2019, at the size of an 8x8 image",
)

digits_classifier = variant(
    "digits_classifier",
    "A classifier of images (batch, 8, 8, 1) with 17 values a pixel.",
    (8, 8, 1),
    10,
    bins=17,
    blocks=(2, 2),
    channels=32,
    initial_squeeze=True,
    strides=(1, 2),
    pad_channels=4,
)
