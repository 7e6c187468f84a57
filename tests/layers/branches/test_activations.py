import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import LayerCase

from keras_iresnet.layers import LipschitzActivation

NAMES = ["elu", "softplus", "relu", "maxmin", "lipswish"]


def softplus(x):
    return np.logaddexp(0, x)


def lipswish(x, beta=None):
    beta = softplus(0.5) if beta is None else beta
    return x / (1 + np.exp(-beta * x)) / 1.1


FORMULAS = {
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "softplus": softplus,
    "relu": lambda x: np.maximum(x, 0),
    "maxmin": lambda x: np.stack([x.max(-1), x.min(-1)], -1),
    "lipswish": lipswish,
}


class TestElu(LayerCase):
    def make(self, **kwargs):
        return LipschitzActivation(**kwargs)


class TestLipswish(LayerCase):
    input_shape = (2, 3)

    def make(self, **kwargs):
        return LipschitzActivation("lipswish", **kwargs)


class TestMaxMin(LayerCase):
    def make(self, **kwargs):
        return LipschitzActivation("maxmin", **kwargs)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_the_formula(name):
    x = np.random.default_rng(0).normal(0, 3, (50, 2))
    np.testing.assert_allclose(LipschitzActivation(name, dtype="float64")(x), FORMULAS[name](x), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_slope_never_exceeds_1_and_comes_near_it(name, dtype):
    x = tf.constant(np.linspace(-30, 30, 60_002).reshape(-1, 2), dtype)
    linearized = LipschitzActivation(name, dtype=dtype)
    linearized.build(x.shape)
    slopes = np.abs(linearized.as_map().linearize(x).jvp(tf.ones_like(x)))
    assert slopes.max() <= 1
    assert slopes.max() > 0.99


@pytest.mark.parametrize("name", NAMES)
def test_learned_slope_stays_1_lipschitz_whatever_beta(name):
    layer = LipschitzActivation(name, dtype="float64")
    x = tf.constant(np.linspace(-20, 20, 20_002).reshape(-1, 2))
    layer.build(x.shape)
    for beta in (-30.0, -1.0, 0.0, 5.0, 30.0):
        for variable in layer.trainable_variables:
            variable.assign(beta)
        assert np.abs(layer.as_map().linearize(x).jvp(tf.ones_like(x))).max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_derivative_is_that_of_the_values(name):
    x = np.random.default_rng(1).normal(0, 2, (6, 4))
    layer = LipschitzActivation(name, dtype="float64")
    layer.build(x.shape)
    value, jvp, vjp = layer.as_map().linearize(tf.constant(x))
    expected = FORMULAS[name]
    flat = expected(x.reshape(6, 2, 2)).reshape(6, 4) if name == "maxmin" else expected(x)
    np.testing.assert_allclose(value, flat, rtol=1e-12)
    tangent = np.random.default_rng(2).normal(size=(6, 4))

    def along(t):
        moved = x + t * tangent
        return expected(moved.reshape(6, 2, 2)).reshape(6, 4) if name == "maxmin" else expected(moved)

    np.testing.assert_allclose(jvp(tf.constant(tangent)), (along(1e-6) - along(-1e-6)) / 2e-6, atol=1e-8)
    np.testing.assert_array_equal(jvp(tf.constant(tangent)), vjp(tf.constant(tangent)))


@pytest.mark.parametrize("name", ["elu", "softplus", "lipswish"])
def test_slope_is_differentiable_as_training_needs(name):
    layer = LipschitzActivation(name, dtype="float64")
    x = tf.constant(np.random.default_rng(3).normal(0, 2, (4, 2)))
    layer.build(x.shape)

    def slopes(x):
        return tf.reduce_sum(layer.as_map().linearize(tf.convert_to_tensor(x)).jvp(tf.ones((4, 2), tf.float64)))

    with tf.GradientTape() as tape:
        tape.watch(x)
        total = slopes(x)
    np.testing.assert_allclose(tape.gradient(total, x), oracles.difference_gradient(slopes, x), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("swish", "its slope reaches 1.1; 'lipswish' is swish / 1.1"),
        ("gelu", "its slope reaches 1.13"),
        ("mish", "its slope reaches 1.09"),
        ("selu", "its slope reaches 1.76"),
        ("exponential", "its slope is unbounded"),
        ("sin", "no proof of its Lipschitz constant and no derivative of it is here"),
        (None, "no proof of its Lipschitz constant"),
    ],
)
def test_activation_that_is_not_1_lipschitz_is_refused_with_the_reason(name, reason):
    with pytest.raises(ValueError, match="`activation` must be 1-Lipschitz, one of clipswish, ") as error:
        LipschitzActivation(name)
    assert f"Received: activation={name!r}" in str(error.value)
    assert reason in str(error.value)


@pytest.mark.parametrize(("name", "claimed"), [("swish", 1.0998), ("gelu", 1.1289), ("mish", 1.0885), ("selu", 1.7581)])
def test_refused_slopes_are_as_steep_as_the_reasons_say(name, claimed):
    x = tf.constant(np.linspace(-5, 5, 100_001))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = keras.activations.get(name)(x)
    assert np.max(tape.gradient(y, x)) == pytest.approx(claimed, abs=2e-4)


def test_maxmin_of_an_odd_number_of_channels_is_refused():
    with pytest.raises(ValueError, match=r"their number must be even. Received: input_shape=\(2, 3\)"):
        LipschitzActivation("maxmin")(tf.zeros((2, 3)))
