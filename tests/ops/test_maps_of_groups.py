"""Maps of groups of channels, and those that make more channels, against dense Jacobians of their values."""

import numpy as np
import oracles
import pytest
import tensorflow as tf

from keras_iresnet.ops import maps

rng = np.random.default_rng(7)


def tensor(*shape):
    return tf.constant(rng.normal(size=shape))


def sine_and_square(x, factor):
    return tf.sin(factor * x), x**2, factor * tf.cos(factor * x), 2 * x


TANH = maps.Elementwise(lambda x: (tf.tanh(x), 1 - tf.tanh(x) ** 2))
MAPS = {
    "groups of 3": (maps.GroupSort(3), (6,)),
    "groups of 4 on a grid": (maps.GroupSort(4), (2, 3, 8)),
    "householder": (maps.Householder(tensor(3)), (6,)),
    "householder on a grid": (maps.Householder(tensor(2)), (2, 3, 4)),
    "two sides": (maps.TwoSided(sine_and_square, tf.constant(0.7, tf.float64)), (2, 3)),
    "beside": (maps.Beside(maps.Composition([maps.Dense(tensor(4, 3)), TANH]), *tf.unstack(tensor(2))), (4,)),
}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("probes", [1, 3])
@pytest.mark.parametrize("name", MAPS)
@pytest.mark.sweep(5)
def test_products_are_those_of_the_dense_jacobian(name, probes, compiled):
    one, event = MAPS[name]
    x = tensor(2, *event)
    jacobians = oracles.jacobian(one, x).numpy()
    v, u = tensor(2 * probes, *event), tensor(2 * probes, *one(x).shape[1:])

    def products(x, v, u):
        value, jvp, vjp = one.linearize(x, probes)
        return value, jvp(v), vjp(u)

    value, there, back = (tf.function(products, jit_compile=True) if compiled else products)(x, v, u)
    np.testing.assert_allclose(value, one(x), rtol=1e-12)
    shape = (probes, 2, -1)
    np.testing.assert_allclose(
        np.reshape(there, shape), np.einsum("bij,pbj->pbi", jacobians, np.reshape(v, shape)), atol=1e-12
    )
    np.testing.assert_allclose(
        np.reshape(back, shape), np.einsum("bij,pbi->pbj", jacobians, np.reshape(u, shape)), atol=1e-12
    )


def test_groups_are_sorted():
    x = tensor(5, 2, 8)
    expected = -np.sort(-np.reshape(x, (5, 2, 2, 4)), -1).reshape(5, 2, 8)
    np.testing.assert_array_equal(maps.GroupSort(4)(x), expected)
    np.testing.assert_array_equal(maps.GroupSort(2)(x), maps.MaxMin()(x))


def test_reflections_keep_norms_and_are_continuous():
    theta = tensor(1)
    one = maps.Householder(theta)
    x = tensor(2000, 2)
    np.testing.assert_allclose(np.linalg.norm(one(x), axis=1), np.linalg.norm(x, axis=1), rtol=1e-12)
    across = np.array([np.cos(theta[0] / 2), np.sin(theta[0] / 2)])  # a point of the line v^T z = 0
    v = np.array([np.sin(theta[0] / 2), -np.cos(theta[0] / 2)])
    sides = one(tf.constant(across + 1e-9 * np.array([[1.0], [-1.0]]) * v))
    np.testing.assert_allclose(sides[0], sides[1], atol=1e-8)
    moved = np.abs(one(x) - x).max(1) > 1e-9
    np.testing.assert_array_equal(moved, x.numpy() @ v < 0)
    np.testing.assert_allclose(maps.Householder(tf.constant([np.pi / 2], tf.float64))(x), maps.MaxMin()(x), atol=1e-12)


def test_gradients_reach_what_they_depend_on():
    theta, a, b = tf.Variable(tensor(2)), tf.Variable(0.6), tf.Variable(0.8)
    x, v, u = tensor(3, 4), tensor(3, 4), tensor(3, 8)

    def slopes(theta, a, b):
        one = maps.Beside(maps.Householder(theta), tf.cast(a, tf.float64), tf.cast(b, tf.float64))
        _, jvp, vjp = one.linearize(x)
        return tf.reduce_sum(jvp(v) ** 2) + tf.reduce_sum(vjp(u) ** 3)

    with tf.GradientTape() as tape:
        total = slopes(theta, a, b)
    by_theta, by_a, by_b = tape.gradient(total, [theta, a, b])
    expected = oracles.difference_gradient(lambda value: slopes(tf.constant(value), 0.6, 0.8), theta.numpy())
    np.testing.assert_allclose(by_theta, expected, rtol=1e-5, atol=1e-6)
    for gradient, at in ((by_a, lambda s: slopes(theta, s, 0.8)), (by_b, lambda s: slopes(theta, 0.6, s))):
        start = 0.6 if gradient is by_a else 0.8
        difference = (at(np.float64(start + 1e-5)) - at(np.float64(start - 1e-5))) / 2e-5
        np.testing.assert_allclose(gradient, difference, rtol=1e-4)
