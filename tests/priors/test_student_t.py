import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from prior_case import PriorCase

import keras_iresnet as ki
from keras_iresnet.priors import StudentT


class TestStudentT(PriorCase):
    def make(self, **kwargs):
        return StudentT(**kwargs)

    def oracle(self, prior, z):
        scale = np.exp(prior.log_scale.numpy())
        return scipy.stats.t(2 + np.exp(prior.log_freedom.numpy()), prior.loc.numpy(), scale).logpdf(z).sum(-1)

    def test_samples_follow_the_distribution(self):
        prior = self.built()
        z = prior.sample(4000, tf.constant([3, 4])).numpy()
        for i in range(3):
            freedom, scale = 2 + np.exp(prior.log_freedom[i].numpy()), np.exp(prior.log_scale[i].numpy())
            assert scipy.stats.kstest(z[:, i], scipy.stats.t(freedom, prior.loc[i].numpy(), scale).cdf).pvalue > 1e-3
        assert np.abs(np.corrcoef(z.T) - np.eye(3)).max() < 0.1

    def test_samples_are_the_same_under_xla(self):
        prior = self.built()
        compiled = tf.function(lambda seed: prior.sample(50, seed), jit_compile=True)
        np.testing.assert_allclose(compiled(tf.constant([3, 4])), prior.sample(50, tf.constant([3, 4])), rtol=1e-9)

    def test_it_is_initialised_by_the_moments_of_latents(self):
        prior, z = self.built(), self.latents() * [1.0, 5.0, 0.1] + [3.0, 0.0, -7.0]
        prior.initialize(tf.constant(z))
        mean, deviation = prior.moments()
        np.testing.assert_allclose(mean, z.mean(0), rtol=1e-12)
        np.testing.assert_allclose(deviation, z.std(0), rtol=1e-9)

    def test_far_samples_keep_a_finite_float32(self):
        prior = self.make()
        prior.build((None, 3))
        prior.log_freedom.assign([-20.0] * 3)
        assert np.isfinite(prior.sample(100_000, tf.constant([3, 4]))).all()


def test_builders_take_it_by_a_keyword():
    assert type(ki.zoo.digits_flow(blocks=(1,), channels=4, prior_tails="student").prior) is StudentT
    assert type(ki.zoo.tabular_flow(2, blocks=1, prior_factors=0, prior_tails="student").prior) is StudentT
    with pytest.raises(ValueError, match=r"`prior_tails` must be one of .* Received: prior_tails='cauchy'"):
        ki.zoo.digits_flow(blocks=(1,), channels=4, prior_tails="cauchy")
    for other in ({"prior_components": 2}, {"prior_factors": 1}, {"learned_prior": False}):
        with pytest.raises(ValueError, match=r"`prior_tails='student'` is of one .* Received: "):
            ki.zoo.digits_flow(blocks=(1,), channels=4, prior_tails="student", **other)
