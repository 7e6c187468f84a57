"""What a GPU is given: steps, samples and densities of models of images, by XLA, for shapes that are known."""

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from small_flows import in_precision

import keras_iresnet as ki
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.ops.series_to_bias import SeriesToBias

SIZES = {"blocks": (1,), "channels": 6, "num_terms": 3}


def images(count=6):
    return np.random.default_rng(0).integers(0, 17, (count, 8, 8, 1), dtype=np.uint8)


def far_from_the_identity(model):
    """Every norm at its bound."""
    for layer in model._flatten_layers():
        if isinstance(layer, SpectralLayer):
            layer.kernel.assign(3 * layer.kernel)
            layer.converge()
    return model


@pytest.fixture(scope="module")
def flow():
    flow = far_from_the_identity(ki.zoo.digits_flow(**SIZES, seed=0))
    flow.initialize(images(1000))
    return flow


def by_xla(function, *arguments):
    return tf.function(function, autograph=False, jit_compile=True)(*arguments)


def stepped(make, batch, jit_compile):
    """The loss of a step and the weights after it."""
    model = make()
    model.initialize(images(1000))
    far_from_the_identity(model)
    model.compile(keras.optimizers.SGD(1e-3, momentum=0.9), jit_compile=jit_compile)
    before = [weight.numpy() for weight in model.trainable_weights]
    step = tf.function(model.train_step, autograph=False, jit_compile=jit_compile)
    loss = float(step(tf.nest.map_structure(tf.constant, batch))["loss"])
    after = [weight.numpy() for weight in model.trainable_weights]
    return loss, [new - old for new, old in zip(after, before, strict=True)]


def same_steps(make, batch, rtol=1e-3):
    (loss, moved), (expected, expected_moved) = (stepped(make, batch, jit_compile) for jit_compile in (True, False))
    assert loss == pytest.approx(expected, rel=rtol / 10)
    for one, other in zip(moved, expected_moved, strict=True):
        assert np.linalg.norm(other) > 0
        assert np.linalg.norm(one - other) <= rtol * np.linalg.norm(other) + 1e-6


def test_a_training_step_is_the_same():
    same_steps(lambda: ki.zoo.digits_flow(**SIZES, seed=0), images())


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{"log_det": "roulette"}, {"block": "implicit"}, {"block": "monotone"}, {"branch": "densenet"}],
    ids=lambda options: "_".join(options.values()),
)
def test_a_training_step_of_other_blocks_is_the_same(options):
    same_steps(lambda: ki.zoo.digits_flow(**SIZES, **options, seed=0), images())


@pytest.mark.slow
def test_a_training_step_that_recomputes_is_the_same():
    def make():
        flow = ki.zoo.digits_flow(**SIZES, seed=0)
        for layer in flow._flatten_layers():
            if isinstance(layer, ki.layers.InvertibleResidualBlock):
                layer.remat = True
        return flow

    same_steps(make, images())


@pytest.mark.slow
def test_a_training_step_in_mixed_precision_is_the_same_but_for_rounding():
    same_steps(lambda: in_precision("mixed_bfloat16", ki.zoo.digits_flow, **SIZES, seed=0), images(), rtol=5e-2)


@pytest.mark.slow
def test_a_training_step_of_a_classifier_is_the_same():
    labels = np.arange(6) % 10
    sizes = {"blocks": (1,), "channels": 4, "strides": (1,)}
    same_steps(lambda: ki.zoo.digits_classifier(**sizes, seed=0), (images(), labels))


def test_samples_are_the_same(flow):
    expected = flow.sample(5, seed=1)
    assert np.std(expected) > 0.05
    found = by_xla(lambda: flow.sample(5, seed=1, on_failure="ignore"))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_densities_are_the_same(flow):
    x = flow.to_data(images(), seed=1)
    expected = flow.log_prob(x, seed=2)
    assert np.std(expected) > 0.3
    np.testing.assert_allclose(by_xla(lambda x: flow.log_prob(x, seed=2), x), expected, atol=1e-3)
    bits = by_xla(lambda x: flow.bits_per_dim(x, seed=3), tf.constant(images()))
    np.testing.assert_allclose(bits, flow.bits_per_dim(images(), seed=3), rtol=1e-4)


def test_the_log_det_that_evaluation_stops_on_the_way_is_the_same():
    flow = ki.zoo.digits_flow(**SIZES, seed=0)
    oracles.leave_identity(flow.layer)
    x = flow.to_data(images(), seed=1)

    def log_det(x):
        return flow.forward_and_log_det(x, seed=2, estimator=SeriesToBias(1e-3, lip=0.9))[1]

    expected = log_det(x)
    assert np.abs(expected - flow.forward_and_log_det(x, seed=2, estimator=ki.SeriesLogDet(1))[1]).max() > 0.1
    np.testing.assert_allclose(by_xla(log_det, x), expected, atol=2e-3)
