"""Flows and data small enough for every test, with all that a large one has."""

import keras
import numpy as np

import keras_iresnet as ki
from keras_iresnet.layers import (
    ActNorm,
    Chain,
    ConvBranch,
    DenseBranch,
    FactorOut,
    InvertibleResidualBlock,
    Logit,
    Squeeze,
)

BINS = 5
IMAGE_SHAPE = (4, 4, 1)


def image_flow(**options):
    """A multi-scale flow over 4x4 images of 5 values."""
    inner = Chain([Squeeze(), ActNorm(), InvertibleResidualBlock(ConvBranch(6))])
    block = InvertibleResidualBlock(ConvBranch(6), estimator=ki.SeriesLogDet(6))
    return ki.Flow(Chain([Logit(), Squeeze(), ActNorm(), block, FactorOut(inner)]), IMAGE_SHAPE, bins=BINS, **options)


def point_flow(dimension=2, *, max_steps=1000, **options):
    """A flow over points, with the exact log-det: nothing in it is random."""
    block = InvertibleResidualBlock(DenseBranch((8,)), estimator=ki.ExactLogDet(), max_steps=max_steps)
    return ki.Flow(Chain([ActNorm(), block]), (dimension,), **options)


def images(count=96, seed=0):
    """Integer images (count, 4, 4, 1) with a direction: bright to one side, and how bright differs."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(0, 4, (count, 1, 1, 1)) + np.linspace(-1, 1, 4)[:, None, None]
    return np.clip(np.round(level + 0.5 * rng.normal(size=(count, *IMAGE_SHAPE))), 0, BINS - 1).astype("uint8")


def points(count=200, seed=0):
    """Points (count, 2) on a bent line."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(-1.5, 1.5, count)
    return np.stack([t, t**2 + 0.2 * rng.normal(size=count)], -1).astype("float32")


def in_precision(policy, make, **options):
    """What `make` builds under a global precision policy, which is put back."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        return make(**options)
    finally:
        keras.config.set_dtype_policy(before)
