"""The base class, and priors of a user's own that derive from it."""

import keras
import numpy as np
import pytest
import scipy.stats
import small_flows
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain


@keras.saving.register_keras_serializable(package="test_prior")
class Laplace(ki.priors.Prior):
    """A user's own: independent Laplace latents of learned scales."""

    least_examples, wanted_examples = 20, 3000

    def build(self, input_shape):
        super().build(input_shape)
        self.log_scale = self.add_weight(name="log_scale", shape=(self.dimension,), initializer="zeros")

    def log_prob(self, z):
        log_scale = tf.cast(self.log_scale, z.dtype)
        return -tf.reduce_sum(tf.abs(z) * tf.exp(-log_scale) + log_scale + np.log(2), -1)

    def sample(self, n, seed, temperature=1.0):
        u = tf.random.stateless_uniform((n, self.dimension), seed, -1, 1, dtype=self.stream_dtype)
        scale = tf.exp(tf.cast(self.log_scale, u.dtype))
        return -temperature * scale * tf.sign(u) * tf.math.log1p(-tf.abs(u))

    def initialize(self, z):
        self.log_scale.assign(tf.math.log(tf.reduce_mean(tf.abs(z), 0)))


def own_flow(**kwargs):
    return ki.Flow(Chain([ActNorm()]), (2,), prior=Laplace(**kwargs), seed=0)


def test_it_sets_how_many_examples_initialise_the_flow():
    flow = own_flow()
    assert flow.initialization_examples == 3000
    with pytest.raises(ValueError, match=r"at least 20 examples for this prior, Laplace\. Received: 19 examples"):
        flow.initialize(small_flows.points(19))
    flow.initialize(small_flows.points(20))
    assert flow.initialized


def test_it_is_initialised_trained_sampled_and_saved(tmp_path):
    flow, points = own_flow(), small_flows.points(300)
    flow.initialize(points)
    begun = flow.prior.log_scale.numpy()
    np.testing.assert_allclose(np.exp(begun), np.abs(flow.forward(points)).mean(0), rtol=1e-5)
    flow.compile("adam")
    flow.fit(points, batch_size=100, verbose=0)
    assert np.abs(flow.prior.log_scale.numpy() - begun).min() > 0
    latents = flow.forward(points).numpy()
    scale = np.exp(flow.prior.log_scale.numpy())
    np.testing.assert_allclose(flow.prior(latents), scipy.stats.laplace(0, scale).logpdf(latents).sum(-1), rtol=1e-5)
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    assert type(loaded.prior) is Laplace
    np.testing.assert_array_equal(loaded.log_prob(points), flow.log_prob(points))
    np.testing.assert_array_equal(loaded.sample(5, seed=1), flow.sample(5, seed=1))


def test_untrained_it_stays_where_the_data_put_it():
    flow, points = own_flow(trainable=False), small_flows.points(300)
    flow.initialize(points)
    begun = flow.prior.log_scale.numpy()
    assert np.abs(begun).min() > 0
    flow.compile("adam")
    flow.fit(points, batch_size=100, verbose=0)
    np.testing.assert_array_equal(flow.prior.log_scale.numpy(), begun)


def test_it_has_a_distribution_that_trains_it():
    flow = own_flow()
    points = small_flows.points(50)
    distribution = flow.distribution
    flow.initialize(points)
    np.testing.assert_allclose(distribution.log_prob(points), flow.log_prob(points), rtol=1e-5)
    assert any(variable is flow.prior.log_scale.value for variable in distribution.trainable_variables)
    assert distribution.sample((3, 2), seed=1).shape == (3, 2, 2)


def test_what_a_prior_lacks_is_named():
    prior = ki.priors.Prior()
    prior.build((None, 2))
    with pytest.raises(NotImplementedError):
        prior.log_prob(tf.zeros((1, 2)))
    with pytest.raises(NotImplementedError):
        prior.sample(1, tf.constant([0, 1]))
    with pytest.raises(NotImplementedError, match="Laplace has no `moments`"):
        own_flow().prior.moments()


def test_a_prior_of_other_dimensions_is_refused():
    prior = ki.priors.DiagonalNormal()
    prior.build((None, 3))
    with pytest.raises(ValueError, match=r"`prior` must be one of 2 dimensions\. Received: a prior of 3"):
        ki.Flow(Chain([]), (2,), prior=prior)


def test_its_weights_come_first():
    flow = own_flow()
    assert flow.trainable_variables[0] is flow.prior.log_scale  # optimizers and states list variables by place


def test_score_is_the_mean_of_the_log_likelihoods():
    flow, points = small_flows.point_flow(), small_flows.points(50)
    each = flow.score_samples(points)
    assert isinstance(each, np.ndarray)
    np.testing.assert_array_equal(each, flow.log_prob(points))
    assert isinstance(flow.score(points), float)
    assert flow.score(points) == pytest.approx(each.mean(), rel=1e-6)
    images = small_flows.images(8)
    noisy = small_flows.image_flow()
    np.testing.assert_array_equal(noisy.score_samples(images), noisy.score_samples(images))  # of one seed
    assert np.abs(noisy.score_samples(images, seed=1) - noisy.score_samples(images)).min() > 0
