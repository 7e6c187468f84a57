"""Activations of several channels together, and those that make two of each."""

import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import LayerCase

from keras_iresnet.layers import ConvBranch, DenseBranch, LipschitzActivation

NAMES = ["groupsort", "householder", "clipswish", "cpila"]


class TestClipswish(LayerCase):
    def make(self, **kwargs):
        return LipschitzActivation("clipswish", **kwargs)


class TestHouseholder(LayerCase):
    input_shape = (2, 4)

    def make(self, **kwargs):
        return LipschitzActivation("householder", **kwargs)


def built(name, channels=4):
    layer = LipschitzActivation(name, dtype="float64")
    layer.build((None, channels))
    return layer


def test_values_are_those_of_the_papers():
    x = np.random.default_rng(0).normal(0, 3, (50, 2))
    beta = np.log1p(np.exp(0.5))

    def lipswish(x):
        return x / (1 + np.exp(-beta * x)) / 1.1

    def pila(x):
        return np.where(x > 0, x, (12.5 * x**3 - 5 * x**2 + x) * np.exp(5 * np.minimum(x, 0)))

    expected = np.concatenate([lipswish(x), lipswish(-x)], -1) / 1.004
    np.testing.assert_allclose(built("clipswish", 2)(x), expected, rtol=1e-12, atol=1e-15)
    expected = np.concatenate([pila(x - 0.2), pila(-x - 0.2)], -1) / 1.06
    np.testing.assert_allclose(built("cpila", 2)(x), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_constant_is_1_and_nearly_reached(name):
    x = tf.constant(np.linspace(-20, 20, 80_004).reshape(-1, 4))
    layer = built(name)
    worst = []
    for beta in (-30.0, -1.0, 0.5, 5.0, 30.0):
        for variable in layer.trainable_variables:
            variable.assign(np.full(variable.shape, beta))
        # Of one channel at a time: for two-sided ones the whole Jacobian is made of such columns.
        for channel in range(4):
            tangent = tf.one_hot([channel] * len(x), 4, dtype=tf.float64)
            worst.append(np.linalg.norm(layer.as_map().linearize(x).jvp(tangent), axis=1).max())
    assert max(worst) <= 1
    assert max(worst) > 0.99


@pytest.mark.parametrize("name", NAMES)
def test_derivative_is_that_of_the_values(name):
    layer, x = built(name), np.random.default_rng(1).normal(0, 2, (6, 4))
    _, jvp, vjp = layer.as_map().linearize(tf.constant(x))
    tangent = np.random.default_rng(2).normal(size=(6, 4))
    difference = (layer(x + 1e-6 * tangent) - layer(x - 1e-6 * tangent)) / 2e-6
    np.testing.assert_allclose(jvp(tf.constant(tangent)), difference, atol=1e-8)
    cotangent = np.random.default_rng(3).normal(size=difference.shape)
    np.testing.assert_allclose(np.sum(vjp(tf.constant(cotangent)) * tangent), np.sum(cotangent * difference), rtol=1e-6)


@pytest.mark.parametrize("name", ["clipswish", "cpila"])
def test_slopes_have_the_gradient_that_training_needs(name):
    layer, x = built(name, 2), tf.constant(np.random.default_rng(3).normal(0, 1, (4, 2)))
    weights = tf.constant(np.random.default_rng(4).normal(size=(4, 4)))

    def slopes(x):
        return tf.reduce_sum(weights * layer.as_map().linearize(tf.convert_to_tensor(x)).jvp(tf.ones_like(x)))

    with tf.GradientTape() as tape:
        tape.watch(x)
        total = slopes(x)
    np.testing.assert_allclose(tape.gradient(total, x), oracles.difference_gradient(slopes, x), atol=1e-6)


@pytest.mark.parametrize(("name", "size"), [("groupsort", "a multiple of 4"), ("householder", "even")])
def test_channels_that_cannot_be_grouped_are_refused(name, size):
    with pytest.raises(ValueError, match=rf"their number must be {size}. Received: input_shape=\(2, 3\)"):
        LipschitzActivation(name)(tf.zeros((2, 3)))


@pytest.mark.parametrize("name", NAMES)
def test_branches_take_them(name):
    image = ConvBranch(8, activation=name, coeff=0.9)
    assert image(tf.ones((2, 4, 4, 4))).shape == (2, 4, 4, 4)
    branch = DenseBranch((8, 12), activation=name, dtype="float64", condition_size=3)
    x = tf.constant(np.random.default_rng(0).normal(size=(5, 4)))
    assert branch(x, condition=tf.zeros((5, 3), tf.float64)).shape == (5, 4)
    oracles.leave_identity(branch)
    jacobians = oracles.jacobian(lambda x: branch(x, condition=tf.ones((5, 3), tf.float64)), x)
    assert 0.1 < max(oracles.norm(one) for one in jacobians) <= 0.9**3
