import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from prior_case import PriorCase

from keras_iresnet.priors import DiagonalNormal


class TestDiagonalNormal(PriorCase):
    def make(self, **kwargs):
        return DiagonalNormal(**kwargs)

    def oracle(self, prior, z):
        return scipy.stats.norm(prior.loc.numpy(), np.exp(prior.log_scale.numpy())).logpdf(z).sum(-1)

    def test_it_begins_as_the_standard_normal(self):
        prior = self.make()
        prior.build((None, 3))
        np.testing.assert_array_equal(np.stack(prior.moments()), [[0] * 3, [1] * 3])

    def test_it_is_initialised_by_the_moments_of_latents(self):
        prior, z = self.built(), self.latents() * [1.0, 5.0, 0.1] + [3.0, 0.0, -7.0]
        prior.initialize(tf.constant(z))
        mean, deviation = prior.moments()
        np.testing.assert_allclose(mean, z.mean(0), rtol=1e-12)
        np.testing.assert_allclose(deviation, z.std(0), rtol=1e-10)

    def test_a_latent_that_never_changes_keeps_a_finite_density(self):
        prior = self.built()
        z = tf.constant(self.latents() * [1.0, 0.0, 1.0])
        prior.initialize(z)
        np.testing.assert_allclose(prior.moments()[1][1], 1e-6, rtol=1e-9)
        assert np.all(np.isfinite(prior.log_prob(z)))

    def test_one_example_has_no_deviation(self):
        with pytest.raises(ValueError, match=r"at least 2 examples for this prior, DiagonalNormal\. Received: 1"):
            self.built().initialize(tf.zeros((1, 3), tf.float64))

    def test_few_examples_make_no_deviation_tiny(self):
        prior, z = self.built(), np.random.default_rng(0).normal(size=(2, 3))
        z[:, 0] = 0.5  # alike by chance
        prior.initialize(tf.constant(z))
        deviations = prior.moments()[1].numpy()
        assert deviations.min() > 0.5 * deviations.mean()
