"""A classifier and labelled images small enough for every test."""

import keras
import numpy as np
import small_flows

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain, ConvBranch, InjectivePad, InvertibleResidualBlock, Squeeze

BINS, IMAGE_SHAPE, CLASSES = small_flows.BINS, small_flows.IMAGE_SHAPE, 3


def classifier(branch=ConvBranch, **options):
    """A classifier of 4x4 images of 5 values with all that a large one has."""
    blocks = [InvertibleResidualBlock(branch(6, **options)) for _ in range(2)]
    chain = [ActNorm(trainable=False), InjectivePad(2), ActNorm(), blocks[0], Squeeze(), ActNorm(), blocks[1]]
    return ki.Classifier(Chain(chain), IMAGE_SHAPE, CLASSES, bins=BINS)


def in_precision(policy):
    """The classifier under a global precision policy."""
    return small_flows.in_precision(policy, classifier)


def labelled_images(count=96, seed=0):
    """Integer images (count, 4, 4, 1) and their classes (count,): dark, grey or bright, with noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    images = 2 * labels[:, None, None, None] + 0.7 * rng.normal(size=(count, *IMAGE_SHAPE))
    return np.clip(np.round(images), 0, BINS - 1).astype("uint8"), labels


def bad_labels(labels):
    """Name -> what a model refuses in the place of these labels, and what it says of them."""
    return {
        "too large a label": (labels + 1, r"\[0, num_classes\) with num_classes=3\. Received: \d+ other values"),
        "a negative label": (labels - 1, r"num_classes=3\. Received: \d+ other values, the first -1 in example"),
        "one-hot labels": (np.eye(3, dtype=int)[labels], r"not one-hot vectors\. Received: shape=\(96, 3\)"),
        "floats as labels": (labels / 1.0, r"integers .* Received: shape=\(96,\), dtype=float64"),
    }


def compiled(rate=0.1, **options):
    """A classifier that is ready for `fit`."""
    clf = classifier(**options)
    clf.compile(keras.optimizers.SGD(rate, momentum=0.9))
    return clf
