"""A prior of Gaussians that are wider in directions of their own: a mixture of factor analysers."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.seeds import split_seed
from keras_iresnet.ops.normal import normal
from keras_iresnet.priors.clusters import clustered
from keras_iresnet.priors.normal_mixture import NormalMixture
from keras_iresnet.priors.prior import check_count

_WANTED_EACH = 240  # examples of a component, where its directions are estimated too


@keras.saving.register_keras_serializable(package="keras_iresnet")
class FactorAnalyzers(NormalMixture):
    """A `NormalMixture` whose component k has the covariance S (I + L_k L_k^T / D) S, S = diag(exp(log_scale)).

    `loadings` (K, D, r) begin as the directions in which each cluster of the first latents is widest: what examples of
    a kind vary in as a whole, such as slant, of which samples then have what is likely (Ghahramani and Hinton, "The EM
    Algorithm for Mixtures of Factor Analyzers", 1996). The division by D gives L entries of the order of 1, for which
    one learning rate fits all weights.

    Args:
        components: K, at least 1.
        factors: r, the number of directions of each component, at least 1 and below D.

    Example:
    >>> import keras_iresnet as ki
    >>> prior = ki.priors.FactorAnalyzers(3, 2)
    >>> prior.build((None, 5))
    >>> tuple(prior.loadings.shape), prior.least_examples, prior.wanted_examples
    ((3, 5, 2), 30, 720)
    """

    def __init__(self, components: int, factors: int, **kwargs: Any) -> None:
        super().__init__(components, **kwargs)
        check_count("factors", factors, 1)
        self.factors = factors

    def build(self, input_shape: Shape) -> None:
        """Create the weights for latents (batch, D).

        Raises:
            ValueError: D is not above the number of factors.
        """
        super().build(input_shape)
        if self.factors >= self.dimension:
            raise ValueError(
                "`factors` must be below the number of dimensions. "
                f"Received: factors={self.factors}, {self.dimension} dimensions"
            )
        shape = (self.components, self.dimension, self.factors)
        self.loadings = self.add_weight(name="loadings", shape=shape, initializer="zeros")

    @property
    def wanted_examples(self) -> int:
        """Latents that `initialize` had better be given: 240 for each component."""
        return _WANTED_EACH * self.components

    def initialize(self, z: tf.Tensor) -> None:
        """Take the clusters among latents (examples, D), and their wide directions, eagerly."""
        self.check_examples(len(z))
        *moments, factors = clustered(np.asarray(z), self.components, self.factors)
        self._begin_at(*moments)
        self.loadings.assign(factors * math.sqrt(self.dimension))

    def _scaled_loadings(self, dtype):
        """F (K, D, r), such that the covariances of what has the common scale taken off are I + F F^T."""
        return tf.cast(self.loadings, dtype) / math.sqrt(self.dimension)

    def _with_factors(self, log_probs, standard):
        """By Woodbury's identity, which needs a Cholesky root of r x r numbers alone."""
        factors = self._scaled_loadings(standard.dtype)
        inner = tf.matmul(factors, factors, transpose_a=True)
        root = tf.linalg.cholesky(tf.eye(self.factors, dtype=standard.dtype) + inner)
        along = tf.linalg.triangular_solve(root, tf.einsum("bkd,kdr->krb", standard, factors))
        explained = tf.transpose(tf.reduce_sum(tf.square(along), 1))
        return log_probs + 0.5 * explained - tf.reduce_sum(tf.math.log(tf.linalg.diag_part(root)), -1)

    def _noise(self, component, seed):
        seed, factor_seed = split_seed(seed, 2)
        shape = (tf.size(component), self.factors)
        along = normal(shape, factor_seed, self.stream_dtype)
        wide = tf.linalg.matvec(tf.gather(self._scaled_loadings(self.stream_dtype), component), along)
        return super()._noise(component, seed) + wide

    def _widening(self, share):
        along = tf.reduce_sum(tf.square(self._scaled_loadings(self.stream_dtype)), -1)
        return 1 + tf.reduce_sum(share * along, 0)

    def _component_distribution(self):
        import tensorflow_probability as tfp

        from keras_iresnet.priors.tfp_view import deferred

        variance = deferred(self, self.log_scale, lambda log_scale: tf.exp(2 * log_scale))
        shape = (*self.loc.shape, self.factors)

        def factors(loadings):
            scaled = tf.exp(self.log_scale)[:, None] * loadings / math.sqrt(self.dimension)
            return tf.reshape(scaled, shape)

        return tfp.distributions.MultivariateNormalDiagPlusLowRankCovariance(
            deferred(self, self.loc), variance, deferred(self, self.loadings, factors, shape)
        )

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "factors": self.factors}
