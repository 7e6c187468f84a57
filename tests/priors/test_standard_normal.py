import numpy as np
import scipy.stats
from prior_case import PriorCase

from keras_iresnet.priors import StandardNormal


class TestStandardNormal(PriorCase):
    def make(self, **kwargs):
        return StandardNormal(**kwargs)

    def oracle(self, prior, z):
        return scipy.stats.norm.logpdf(z).sum(-1)

    def test_it_has_nothing_to_learn(self):
        prior = self.built()
        prior.initialize(self.latents() + 5)
        assert prior.weights == []
        np.testing.assert_array_equal(np.stack(prior.moments()), [[0] * 3, [1] * 3])
