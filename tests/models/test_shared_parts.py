"""Parts of a trained model in a new one: what was set from data, trained or frozen stays as it is."""

import keras
import numpy as np
import pytest
import small_flows
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain, ConvBranch, Gaussianize, InvertibleResidualBlock, Squeeze
from keras_iresnet.models.resnet import BottleneckResNet

IMAGES = small_flows.images(64)
LABELS = (IMAGES.mean((1, 2, 3)) > 2).astype("int64")
OTHER = IMAGES[::-1] // 2  # data whose moments are others


def backbone():
    return Chain([Gaussianize(small_flows.BINS), Squeeze(), ActNorm(), InvertibleResidualBlock(ConvBranch(4))])


def classifier(layer):
    model = ki.Classifier(layer, small_flows.IMAGE_SHAPE, 2, bins=small_flows.BINS)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return model


def flow(layer, **options):
    model = ki.Flow(layer, small_flows.IMAGE_SHAPE, bins=small_flows.BINS, seed=1, **options)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return model


@pytest.fixture
def trained():
    model = classifier(backbone())
    model.compile(keras.optimizers.SGD(0.05), run_eagerly=True)
    model.fit(IMAGES, LABELS, epochs=1, verbose=0)
    return model


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("new", [classifier, flow])
@pytest.mark.sweep(2)
def test_a_fit_of_a_new_model_leaves_a_trained_backbone_as_it_is(trained, new, frozen):
    before = trained.predict_proba(IMAGES)
    trained.layer.trainable = not frozen
    new(trained.layer).fit(OTHER, LABELS, epochs=1, verbose=0)
    error = 0 if frozen else 1e-3  # of norms that were converged again
    np.testing.assert_allclose(trained.predict_proba(IMAGES), before, rtol=0, atol=error)


def test_a_layer_that_was_frozen_before_it_saw_data_stays_the_identity():
    chain = Chain([ActNorm(), ActNorm(trainable=False)])
    chain.build((None, 2))
    chain.layers[0].trainable = False
    x = np.random.default_rng(0).normal(5, 3, (50, 2)).astype("float32")
    chain.initialize(x)
    np.testing.assert_array_equal(chain.layers[0](x), x)
    # What was made so is to be standardised, once: nothing but data sets it.
    np.testing.assert_allclose(np.mean(chain(x), 0), 0, atol=1e-5)


def test_act_norm_that_was_trained_without_initialisation_stays():
    layer = ActNorm()
    layer.build((None, 2))
    layer.log_scale.assign([0.5, -0.5])
    x = tf.constant(np.random.default_rng(0).normal(size=(50, 2)), tf.float32)
    before = layer(x)
    layer.initialize(3 * x)
    np.testing.assert_array_equal(layer(x), before)


def test_a_prior_that_another_flow_has_trained_is_taken_as_it_is():
    old = flow(backbone())
    old.fit(IMAGES, epochs=1, verbose=0)
    before = old.log_prob(IMAGES, seed=1)
    new = flow(old.layer, prior=old.prior)
    np.testing.assert_allclose(new.log_prob(IMAGES, seed=1), before, rtol=1e-6)
    new.fit(OTHER, epochs=1, verbose=0)
    np.testing.assert_allclose(old.log_prob(IMAGES, seed=1), before, rtol=1e-3)


def test_an_ordinary_network_keeps_its_standardisation():
    network = BottleneckResNet((1,), (2,))
    model = classifier(network)
    model.fit(IMAGES, LABELS, epochs=1, verbose=0)
    shift = network.standardize.shift.numpy()
    assert abs(shift).max() > 0.1
    classifier(network).fit(OTHER, LABELS, epochs=1, verbose=0)
    np.testing.assert_array_equal(network.standardize.shift, shift)


def test_power_iterations_of_a_frozen_branch_do_not_advance():
    chain = Chain([InvertibleResidualBlock(ki.layers.DenseBranch((8, 8, 8))) for _ in range(2)])
    chain.build((None, 8))
    chain.trainable = False
    for layer in chain.layers:
        for spectral in layer.branch.spectral_layers:
            spectral.u.assign(tf.ones_like(spectral.u) / np.sqrt(spectral.u.shape[-1]))
    before = chain.get_weights()
    chain(tf.ones((3, 8)), training=True)
    for old, weight in zip(before, chain.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, old)
