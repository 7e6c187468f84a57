"""What TFP sees of a prior's weights, and of priors without a distribution of TFP's own."""

import numpy as np
import tensorflow as tf

from keras_iresnet.priors import DiagonalNormal
from keras_iresnet.priors.tfp_view import PriorDistribution, deferred


def built(**kwargs):
    prior = DiagonalNormal(dtype="float64", **kwargs)
    prior.build((None, 2))
    return prior


def test_a_deferred_weight_is_read_anew_trained_or_not():
    for trainable in (True, False):
        prior = built(trainable=trainable)
        scale = deferred(prior, prior.log_scale, tf.exp)
        np.testing.assert_array_equal(tf.convert_to_tensor(scale), [1, 1])
        prior.log_scale.assign([0.0, np.log(3)])
        np.testing.assert_allclose(tf.convert_to_tensor(scale), [1, 3])
        assert len(scale.trainable_variables) == trainable


def test_the_view_evaluates_samples_and_trains():
    prior = built()
    view = PriorDistribution(prior)
    assert (view.event_shape, view.batch_shape, view.dtype) == ((2,), (), "float64")
    z = np.random.default_rng(0).normal(size=(4, 3, 2))
    prior.loc.assign([1.0, -2.0])
    found = view.log_prob(z)
    assert found.shape == (4, 3)
    np.testing.assert_allclose(found, prior.distribution().log_prob(z), rtol=1e-12)
    assert view.sample((5, 2), seed=1).shape == (5, 2, 2)
    np.testing.assert_array_equal(view.sample(3, seed=[1, 2]), view.sample(3, seed=[1, 2]))
    assert np.abs(view.sample(3, seed=[1, 2]) - view.sample(3, seed=[1, 3])).min() > 1e-6
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(view.log_prob(z))
    gradients = tape.gradient(loss, view.trainable_variables)
    assert len(gradients) == 2
    assert all(np.abs(gradient).min() > 0 for gradient in gradients)
    assert PriorDistribution(built(trainable=False)).trainable_variables == ()
