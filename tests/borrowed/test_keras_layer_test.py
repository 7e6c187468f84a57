"""Keras's own test of a layer, on every layer of the package."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.borrowed.keras_names import layer_test_case
from keras_iresnet.layers import DenseBranch

IMAGE, POINT = (2, 4, 4, 2), (2, 6)
EXACT = ki.ExactLogDet()


def branch():
    return DenseBranch((5,))


def dequantizer():
    block = ki.layers.InvertibleResidualBlock(ki.layers.ConvBranch(4, condition_size=3))
    return {"layer": block, "context": keras.layers.Conv2D(3, 3, padding="same")}


# Class -> its arguments, and the shape of a batch that it takes.
CASES = {
    "ActNorm": ({}, IMAGE),
    "Center": ({"offset": 0.25}, POINT),
    "Chain": (lambda: {"layers": [ki.layers.Squeeze(), ki.layers.ActNorm()]}, IMAGE),
    "ColumnRanges": ({"bounds": ((0, -1, 2),)}, POINT),
    "Concatenation": (lambda: {"linear": ki.layers.SpectralConv2D(3, 3)}, IMAGE),
    "ConvBranch": ({"channels": 3}, IMAGE),
    "DenseBranch": ({"units": (5,)}, POINT),
    "DenseNetBranch": ({"growth": 4, "depth": 2}, IMAGE),
    "FactorOut": (lambda: {"layer": ki.layers.ActNorm()}, IMAGE),
    "Flatten": ({}, IMAGE),
    "Gaussianize": ({"bins": 4}, POINT),
    "ImplicitBlock": (lambda: {"branch_x": branch(), "branch_z": branch(), "estimator": EXACT}, POINT),
    "InjectivePad": ({"channels": 3}, IMAGE),
    "Inverse": (lambda: {"layer": ki.layers.ActNorm()}, IMAGE),
    "InvertibleResidualBlock": (lambda: {"branch": branch(), "estimator": EXACT}, POINT),
    "LipschitzActivation": ({"activation": "lipswish"}, POINT),
    "Logit": ({"alpha": 0.01}, POINT),
    "MonotoneBlock": (lambda: {"branch": branch(), "estimator": EXACT}, POINT),
    "PermuteChannels": ({"order": [1, 0]}, IMAGE),
    "SpectralConv2D": ({"filters": 3, "kernel_size": 3}, IMAGE),
    "SpectralDense": ({"units": 3}, POINT),
    "Squeeze": ({}, IMAGE),
    "VariationalDequantizer": (dequantizer, IMAGE),
}
UNIT_INTERVAL = {"ColumnRanges", "Gaussianize", "Logit"}  # what these take lies in [0, 1]
ABSTRACT = {"Branch", "BranchBlock", "InvertibleLayer"}


def test_every_layer_is_here():
    public = {name for name in ki.layers.__all__ if inspect.isclass(getattr(ki.layers, name))}
    layers = {name for name in public if issubclass(getattr(ki.layers, name), keras.layers.Layer)}
    assert layers == set(CASES) | ABSTRACT


@pytest.mark.parametrize("name", CASES)
@pytest.mark.sweep(3)
def test_keras_accepts_the_layer(name):
    options, shape = CASES[name]
    options = options() if callable(options) else options
    case = layer_test_case()("run_layer_test")
    case.setUp()
    given = {"input_shape": shape}
    if name in UNIT_INTERVAL:  # Keras draws from a normal distribution
        given = {"input_data": tf.constant(np.random.default_rng(0).uniform(0.01, 0.99, shape), "float32")}
    case.run_layer_test(getattr(ki.layers, name), init_kwargs=options, **given)
