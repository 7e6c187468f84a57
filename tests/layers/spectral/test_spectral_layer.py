import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.layers import ConvBranch, DenseBranch, SpectralConv2D, SpectralDense
from keras_iresnet.layers.spectral.spectral_layer import converge_power_iterations

LAYERS = {
    "dense": lambda **options: SpectralDense(6, **options),
    "conv": lambda **options: SpectralConv2D(3, 3, **options),
}
INPUTS = {"dense": (2, 5), "conv": (2, 4, 4, 2)}


@pytest.fixture(params=LAYERS)
def layer(request):
    """A layer whose kernel is large and whose vector is far from converged, and an input for it."""
    layer, x = LAYERS[request.param](coeff=0.6), tf.random.normal(INPUTS[request.param])
    layer(x)
    layer.kernel.assign(5 * tf.random.normal(layer.kernel.shape))
    layer.u.assign(tf.math.l2_normalize(tf.random.normal(layer.u.shape)))
    return layer, x


def test_vector_advances_in_training_only(layer):
    layer, x = layer
    start = layer.u.numpy()
    for training in (False, None):
        layer(x, training=training)
        layer.sigma()
        np.testing.assert_array_equal(layer.u.numpy(), start)
    before = float(layer.sigma())
    layer(x, training=True)
    assert np.abs(layer.u.numpy() - start).max() > 1e-3
    assert float(layer.sigma()) > before


def test_power_iterations_are_taken_in_each_training_call(layer):
    layer, x = layer
    start = layer.u.numpy()
    for _ in range(3):
        layer(x, training=True)
    expected = layer.u.numpy()
    layer.u.assign(start)
    layer.power_iterations = 3
    layer(x, training=True)
    np.testing.assert_allclose(layer.u.numpy(), expected, atol=1e-5)


def test_training_calls_converge_to_the_norm(layer):
    layer, x = layer
    for _ in range(200):
        layer(x, training=True)
    norm = oracles.operator_norm(layer, layer.normalized_kernel())
    assert norm == pytest.approx(0.6, rel=1e-4)


def test_vector_is_converged_when_the_layer_is_built():
    for name, make in LAYERS.items():
        layer = make(coeff=0.1)
        layer(tf.zeros(INPUTS[name]))
        assert oracles.operator_norm(layer, layer.normalized_kernel()) <= 0.1 * (1 + 1e-3)


def test_fit_advances_the_vector_and_evaluation_reads_it(layer):
    layer, x = layer
    model = keras.Sequential([keras.Input(x.shape[1:]), layer, keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    start = layer.u.numpy()
    model.evaluate(x, np.zeros(2), verbose=0)
    model.predict(x, verbose=0)
    np.testing.assert_array_equal(layer.u.numpy(), start)
    model.fit(x, np.zeros(2), verbose=0)
    assert np.abs(layer.u.numpy() - start).max() > 1e-3


@pytest.mark.parametrize("name", LAYERS)
def test_kernel_of_zeros_can_be_trained_and_is_bounded_later(name):
    layer, x = LAYERS[name](coeff=0.6, kernel_initializer="zeros"), tf.random.normal(INPUTS[name])
    layer(x, training=True)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(x, training=True) ** 2 + layer(x))
    gradient = tape.gradient(total, layer.kernel.value)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0
    for size in (1e-20, 5.0):
        layer.kernel.assign(size * tf.random.normal(layer.kernel.shape))
        for _ in range(30):
            layer(x, training=True)
    assert oracles.operator_norm(layer, layer.normalized_kernel()) <= 0.6 * 1.1
    layer.converge()
    assert oracles.operator_norm(layer, layer.normalized_kernel()) <= 0.6 * (1 + 1e-3)


def test_converging_a_model_reaches_every_layer_inside():
    block = ki.layers.InvertibleResidualBlock(ConvBranch(4), estimator=ki.ExactLogDet())
    inner = keras.Sequential([SpectralDense(4), SpectralDense(8)])
    chain = ki.layers.Chain([block, ki.layers.FactorOut(ki.layers.Squeeze()), ki.layers.InvertibleResidualBlock(inner)])
    chain.build((None, 2, 2, 2))
    spectral = [*block.branch.spectral_layers, *inner.layers]
    for layer in spectral:
        layer.u.assign(tf.math.l2_normalize(tf.ones(layer.u.shape)))
    before = [float(layer.sigma()) for layer in spectral]
    converge_power_iterations(chain)
    assert all(float(layer.sigma()) > old for layer, old in zip(spectral, before, strict=True))


MAKERS = {
    "SpectralDense": lambda **options: SpectralDense(3, **options),
    "SpectralConv2D": lambda **options: SpectralConv2D(3, 3, **options),
    "DenseBranch": lambda **options: DenseBranch((3,), **options),
    "ConvBranch": lambda **options: ConvBranch(3, **options),
}


@pytest.mark.parametrize("coeff", [0, 1, 1.2, -0.5, float("nan"), "0.9", True])
@pytest.mark.parametrize("name", MAKERS)
def test_coeff_outside_its_interval_is_refused(name, coeff):
    with pytest.raises(ValueError, match=rf"`coeff` must lie in \(0, 1\), .* Received: coeff={coeff!r}"):
        MAKERS[name](coeff=coeff)


@pytest.mark.parametrize("name", MAKERS)
def test_coeff_of_numpy_is_as_good(name):
    layer = MAKERS[name](coeff=np.float32(0.5))
    assert type(layer).from_config(layer.get_config()).coeff == 0.5


@pytest.mark.parametrize("power_iterations", [0, 1.5])
@pytest.mark.parametrize("name", MAKERS)
def test_power_iterations_must_be_counted(name, power_iterations):
    must = f"`power_iterations` must be an integer of at least 1. Received: power_iterations={power_iterations}"
    with pytest.raises(ValueError, match=must):
        MAKERS[name](power_iterations=power_iterations)
