import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import LayerCase

from keras_iresnet.layers import SpectralConv2D


class TestSpectralConv2D(LayerCase):
    input_shape = (4, 5, 2)

    def make(self, **kwargs):
        return SpectralConv2D(3, 3, coeff=0.7, **kwargs)


class TestStridedConv2D(LayerCase):
    input_shape = (5, 5, 2)

    def make(self, **kwargs):
        return SpectralConv2D(3, 2, strides=2, padding="valid", use_bias=False, **kwargs)


@pytest.mark.parametrize(
    ("grid", "channels", "side", "options"),
    [
        ((5, 4), (2, 3), 3, {}),
        ((2, 1), (2, 2), 3, {}),
        ((4, 4), (4, 4), 2, {"coeff": 0.3}),
        ((6, 6), (5, 8), 1, {"coeff": 0.99}),
        ((6, 7), (3, 2), 3, {"padding": "valid"}),
        ((7, 6), (2, 5), 3, {"strides": 2}),
        ((8, 8), (8, 8), 3, {}),
    ],
)
def test_norm_of_the_operator_is_held_at_coeff(grid, channels, side, options):
    layer = SpectralConv2D(channels[1], side, **options)
    layer.build((None, *grid, channels[0]))
    layer.kernel.assign(tf.random.normal(layer.kernel.shape, 0.1, 2.0, seed=7))
    layer.converge()
    coeff = layer.coeff
    assert oracles.operator_norm(layer, layer.kernel.numpy()) > coeff
    norm = oracles.operator_norm(layer, layer.normalized_kernel().numpy())
    assert coeff * (1 - 1e-5) <= norm <= coeff * (1 + 1e-3)


def test_kernel_within_the_bound_is_left_alone():
    layer = SpectralConv2D(3, 3, coeff=0.9)
    layer.build((None, 4, 4, 2))
    layer.kernel.assign(layer.kernel * (0.5 / oracles.operator_norm(layer, layer.kernel.numpy())))
    layer.converge()
    np.testing.assert_array_equal(layer.normalized_kernel(), layer.kernel.numpy())
    assert float(layer.sigma()) == pytest.approx(0.5, rel=2e-3)


@pytest.mark.parametrize("size", [0.5, 3.0])  # of the operator's norm: below and above coeff
def test_gradient_flows_through_the_normalisation(size):
    layer = SpectralConv2D(2, 3, coeff=0.9, dtype="float64")
    layer.build((None, 3, 4, 2))
    layer.kernel.assign(layer.kernel * (size / oracles.operator_norm(layer, layer.kernel.numpy())))
    oracles.settle_vector(layer)
    pull = np.random.default_rng(0).normal(size=layer.kernel.shape)

    def scalar(kernel):
        return np.sum(pull * kernel) * min(1, 0.9 / oracles.operator_norm(layer, kernel))

    with tf.GradientTape() as tape:
        total = tf.reduce_sum(pull * layer.normalized_kernel())
    expected = oracles.difference_gradient(scalar, layer.kernel.numpy())
    np.testing.assert_allclose(tape.gradient(total, layer.kernel.value), expected, atol=1e-6)


def test_output_is_that_of_the_normalised_convolution():
    layer = SpectralConv2D(3, 3, coeff=0.4, strides=2)
    x = tf.random.normal((2, 5, 4, 2))
    layer(x)
    layer.bias.assign([1.0, 2.0, 3.0])
    matrix = oracles.convolution_matrix(layer.normalized_kernel().numpy(), (5, 4), strides=2)
    expected = (np.reshape(x, (2, -1)) @ matrix.T).reshape(2, 3, 2, 3) + np.array([1, 2, 3])
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_without_coeff_it_is_the_convolution_of_keras():
    layer, reference = SpectralConv2D(3, 3, coeff=None, strides=2), keras.layers.Conv2D(3, 3, strides=2, padding="same")
    x = tf.random.normal((2, 5, 5, 2))
    layer(x), reference(x)
    layer.kernel.assign(10 * layer.kernel)
    reference.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x, training=True), reference(x), rtol=1e-5, atol=1e-5)


def test_another_grid_is_refused():
    layer = SpectralConv2D(4, 3)
    layer(tf.ones((1, 4, 4, 2)))
    with pytest.raises(ValueError, match=r"expected shape=\(None, 4, 4, 2\), found shape=\(1, 8, 8, 2\)"):
        layer(tf.ones((1, 8, 8, 2)))


@pytest.mark.parametrize("shape", [(None, None, 4, 2), (None, 4, 2)])
def test_grid_that_is_not_known_is_refused(shape):
    with pytest.raises(ValueError, match=r"norm belongs to its grid.* Received: input_shape=\(None, "):
        SpectralConv2D(2, 3).build(shape)


def test_grid_smaller_than_a_valid_kernel_is_refused():
    with pytest.raises(ValueError, match=r"must not be smaller than the kernel. Received: input_shape="):
        SpectralConv2D(2, 3, padding="valid").build((None, 2, 5, 1))


@pytest.mark.parametrize(
    ("name", "value", "must"),
    [
        ("filters", 0, "an integer of at least 1"),
        ("kernel_size", 2.5, "an integer of at least 1"),
        ("strides", (2, 2), "an integer of at least 1"),
        ("padding", "SAME", "'same' or 'valid'"),
    ],
)
def test_bad_arguments_are_refused(name, value, must):
    with pytest.raises(ValueError, match=f"`{name}` must be {must}") as error:
        SpectralConv2D(**{"filters": 2, "kernel_size": 3, name: value})
    assert f"Received: {name}={value!r}" in str(error.value)
