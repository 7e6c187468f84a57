import numpy as np
import scipy.stats
import tensorflow as tf
from prior_case import PriorCase

from keras_iresnet.priors import DiagonalNormal

LOC, SCALE = np.array([3.0, -1.0, 0.5]), np.array([0.5, 2.0, 1.3])


class TestDiagonalNormal(PriorCase):
    def make(self, **kwargs):
        return DiagonalNormal(**kwargs)

    def move(self, prior):
        prior.loc.assign(LOC)
        prior.log_scale.assign(np.log(SCALE))

    def oracle_log_prob(self, z):
        return scipy.stats.norm(LOC, SCALE).logpdf(z).sum(-1)

    def test_it_takes_the_moments_of_the_first_latents(self):
        prior = DiagonalNormal(dtype="float64")
        prior.build((None, 3))
        z = np.random.default_rng(1).normal(size=(50, 3)) * SCALE + LOC
        prior.initialize(tf.constant(z))
        mean, deviation = prior.moments()
        np.testing.assert_allclose(mean, z.mean(0), rtol=1e-12)
        np.testing.assert_allclose(deviation, z.std(0), rtol=1e-12)

    def test_a_latent_that_never_changes_leaves_it_finite(self):
        prior = DiagonalNormal()
        prior.build((None, 2))
        prior.initialize(tf.constant([[1.0, 2.0], [1.0, 3.0]]))
        assert np.isfinite(prior.log_prob(tf.constant([[1.0, 2.0]]))).all()
