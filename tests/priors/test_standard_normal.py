import numpy as np
import scipy.stats
from prior_case import PriorCase

from keras_iresnet.priors import StandardNormal


class TestStandardNormal(PriorCase):
    def make(self, **kwargs):
        return StandardNormal(**kwargs)

    def oracle_log_prob(self, z):
        return scipy.stats.norm.logpdf(z).sum(-1)

    def test_nothing_is_learned(self):
        prior = self.built()
        prior.initialize(self.latents() + 5)
        assert not prior.weights
        np.testing.assert_array_equal(np.stack(prior.moments()), [[0] * 3, [1] * 3])
