import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import LayerCase

from keras_iresnet.layers import SpectralDense


class TestSpectralDense(LayerCase):
    def make(self, **kwargs):
        return SpectralDense(5, coeff=0.8, power_iterations=2, **kwargs)


class TestSpectralDenseOnASequence(LayerCase):
    input_shape = (3, 4)

    def make(self, **kwargs):
        return SpectralDense(2, use_bias=False, kernel_initializer="he_normal", **kwargs)


@pytest.mark.parametrize(
    ("inputs", "units", "coeff"), [(1, 1, 0.9), (7, 4, 0.3), (4, 7, 0.99), (40, 30, 0.9), (1, 9, 0.5)]
)
def test_norm_of_the_matrix_is_held_at_coeff(inputs, units, coeff):
    layer = SpectralDense(units, coeff=coeff)
    layer.build((None, inputs))
    layer.kernel.assign(1 + tf.random.normal((inputs, units), seed=2))
    layer.converge()
    assert oracles.norm(layer.kernel.numpy()) > coeff
    assert coeff * (1 - 1e-5) <= oracles.norm(layer.normalized_kernel()) <= coeff * (1 + 1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_norm_of_a_wide_matrix_with_close_singular_values_is_held(seed):
    layer = SpectralDense(64, coeff=0.9)
    layer.build((None, 64))
    layer.kernel.assign(tf.random.stateless_normal((64, 64), (seed, 0)))
    layer.converge()
    assert oracles.norm(layer.normalized_kernel()) <= 0.9 * (1 + 1e-3)


def test_matrix_within_the_bound_is_left_alone():
    layer = SpectralDense(3, coeff=0.9)
    layer.build((None, 3))
    layer.kernel.assign(np.diag([0.89, -0.5, 0.0]))
    layer.converge()
    np.testing.assert_array_equal(layer.normalized_kernel(), layer.kernel.numpy())


def test_output_is_that_of_the_normalised_matrix():
    layer = SpectralDense(3, coeff=0.4)
    x = tf.random.normal((2, 6, 4))
    layer(x)
    layer.bias.assign([1.0, 2.0, 3.0])
    np.testing.assert_allclose(layer(x), x.numpy() @ layer.normalized_kernel().numpy() + [1, 2, 3], rtol=1e-5)


def test_without_coeff_it_is_the_dense_layer_of_keras():
    layer, reference = SpectralDense(3, coeff=None), keras.layers.Dense(3)
    x = tf.random.normal((2, 4))
    layer(x), reference(x)
    layer.kernel.assign(10 * layer.kernel)
    reference.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x, training=True), reference(x), rtol=1e-6)


def test_another_number_of_inputs_is_refused():
    layer = SpectralDense(3)
    layer(tf.ones((1, 4)))
    with pytest.raises(ValueError, match=r"expected axis -1 of input shape to have value 4.*\(1, 5\)"):
        layer(tf.ones((1, 5)))


@pytest.mark.parametrize("units", [0, 2.0])
def test_bad_units_are_refused(units):
    with pytest.raises(ValueError, match=f"`units` must be an integer of at least 1. Received: units={units}"):
        SpectralDense(units)
