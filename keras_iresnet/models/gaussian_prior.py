"""The prior of a flow: a diagonal Gaussian over its latents, or a mixture of several, each with wide directions."""

import math

import numpy as np
import tensorflow as tf

from keras_iresnet.layers.seeds import split_seed
from keras_iresnet.priors.clusters import clustered

_EXAMPLES_EACH = 10  # that a component needs at least
_CLUSTERED_EACH = 80  # that `fit` gives it: clusters of ten images of digits are no kinds of digits
_FACTORED_EACH = 240  # that `fit` gives it where directions are estimated too


class GaussianPrior:
    """Mixin for Keras models over latents (batch, D), D = `dimension`.

    With one component the weights are `prior_loc` and `prior_log_scale`, (D,), and p(z) = N(z; loc, exp(log_scale)).
    With K of them `prior_loc` is (K, D), `prior_logits` is (K,), and p(z) = sum_k softmax(logits)_k N(z; loc_k, ...).

    The scale is common to all components: where each has its own, the widest wins all examples as soon as the latents
    have many dimensions, and the others, which no example is given to, learn no more. What is a component's own are
    `prior_loadings`, (K, D, r): its covariance is S (I + L L^T / D) S with S = diag(exp(log_scale)), which makes the
    prior a mixture of factor analysers (Ghahramani and Hinton, "The EM Algorithm for Mixtures of Factor Analyzers",
    1996). The division by D gives L entries of the order of 1, for which one learning rate fits all weights.
    """

    def _build_prior(self):
        count = self.prior_components
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(
                f"`prior_components` must be an integer of at least 1. Received: prior_components={count!r}"
            )
        if count > 1 and not self.learned_prior:
            raise ValueError(
                "`prior_components` above 1 need a learned prior: fixed ones would all be the same. "
                f"Received: prior_components={count}, learned_prior=False"
            )
        self._check_factors()
        options = {"initializer": "zeros", "trainable": self.learned_prior and self.trained_prior}
        each = (self.dimension,) if count == 1 else (count, self.dimension)
        self.prior_loc = self.add_weight(name="prior_loc", shape=each, **options)
        self.prior_log_scale = self.add_weight(name="prior_log_scale", shape=(self.dimension,), **options)
        self.prior_logits = None if count == 1 else self.add_weight(name="prior_logits", shape=(count,), **options)
        factors = (count, self.dimension, self.prior_factors)
        self.prior_loadings = (
            self.add_weight(name="prior_loadings", shape=factors, **options) if self.prior_factors else None
        )

    def _check_factors(self):
        factors = self.prior_factors
        if not isinstance(factors, int) or isinstance(factors, bool) or not 0 <= factors < self.dimension:
            raise ValueError(
                "`prior_factors` must be an integer of at least 0, below the number of dimensions. "
                f"Received: prior_factors={factors!r}, {self.dimension} dimensions"
            )
        if factors and not self.learned_prior:
            raise ValueError(
                "`prior_factors` above 0 need a learned prior: fixed ones would be 0. "
                f"Received: prior_factors={factors}, learned_prior=False"
            )

    @property
    def _is_diagonal(self):
        return self.prior_components == 1 and not self.prior_factors

    @property
    def initialization_batch(self):
        """Examples that `fit` gives to `initialize`."""
        each = _FACTORED_EACH if self.prior_factors else _CLUSTERED_EACH
        return max(super().initialization_batch, each * self.prior_components)

    @property
    def least_initialization_batch(self):
        """The fewest examples that `initialize` takes: clusters and their directions are found among them."""
        return 1 if self._is_diagonal else _EXAMPLES_EACH * self.prior_components

    def _check_initial_examples(self, count):
        if count < self.least_initialization_batch:
            raise ValueError(
                f"`initialize` needs at least {_EXAMPLES_EACH} examples for each component of the prior. "
                f"Received: {count} examples, prior_components={self.prior_components}"
            )

    def _initialize_prior(self, z):
        """Give a learned prior the moments of latents (batch, D); its components, those of the clusters among them."""
        if not self.learned_prior:
            return
        if self._is_diagonal:
            mean, variance = tf.nn.moments(z, [0])
            self.prior_loc.assign(mean)
            self.prior_log_scale.assign(0.5 * tf.math.log(tf.maximum(variance, 1e-12)))
            return
        loc, shares, scale, factors = clustered(z.numpy(), self.prior_components, self.prior_factors)
        self.prior_loc.assign(tf.reshape(loc, self.prior_loc.shape))
        self.prior_log_scale.assign(np.log(scale))
        if self.prior_logits is not None:
            self.prior_logits.assign(np.log(shares))
        if self.prior_factors:
            self.prior_loadings.assign(factors * math.sqrt(self.dimension))

    def _prior_weights(self, dtype):
        """Means (K, D), log deviations (D,) and log shares (K,) of the components."""
        loc = tf.reshape(tf.cast(self.prior_loc, dtype), (-1, self.dimension))
        logits = tf.zeros((1,), dtype) if self.prior_logits is None else tf.cast(self.prior_logits, dtype)
        return loc, tf.cast(self.prior_log_scale, dtype), tf.nn.log_softmax(logits)

    def _factors(self, dtype):
        """(K, D, r), such that the covariances of what has the common scale taken off are I + F F^T."""
        return tf.cast(self.prior_loadings, dtype) / math.sqrt(self.dimension)

    def _prior_log_prob(self, z):
        """(batch, D) -> (batch,) nats."""
        loc, log_scale, log_share = self._prior_weights(z.dtype)
        standard = (z[:, None] - loc) * tf.exp(-log_scale)
        each = -0.5 * tf.reduce_sum(tf.square(standard) + 2 * log_scale + math.log(2 * math.pi), -1)
        if self.prior_factors:
            each += self._log_prob_of_factors(standard)
        return each[:, 0] if self.prior_logits is None else tf.reduce_logsumexp(log_share + each, -1)

    def _log_prob_of_factors(self, standard):
        """What factors add to the log density of `standard` (batch, K, D): (batch, K), by Woodbury's identity."""
        factors = self._factors(standard.dtype)
        inner = tf.matmul(factors, factors, transpose_a=True)
        root = tf.linalg.cholesky(tf.eye(self.prior_factors, dtype=standard.dtype) + inner)
        along = tf.linalg.triangular_solve(root, tf.einsum("bkd,kdr->krb", standard, factors))
        explained = tf.transpose(tf.reduce_sum(tf.square(along), 1))
        return 0.5 * explained - tf.reduce_sum(tf.math.log(tf.linalg.diag_part(root)), -1)

    def _prior_sample(self, n, seed, temperature):
        """Draw (n, D); `temperature` is a factor of the deviation."""
        dtype = self.stream_dtype
        loc, log_scale, log_share = self._prior_weights(dtype)
        component = tf.zeros((n,), tf.int32)
        if self.prior_logits is not None:
            seed, component_seed = split_seed(seed, 2)
            component = tf.random.stateless_categorical(log_share[None], n, component_seed, dtype=tf.int32)[0]
        shape = (n, self.dimension)
        if not self.prior_factors:
            noise = tf.random.stateless_normal(shape, seed, dtype=dtype)
        else:
            seed, factor_seed = split_seed(seed, 2)
            along = tf.random.stateless_normal((n, self.prior_factors), factor_seed, dtype=dtype)
            noise = tf.random.stateless_normal(shape, seed, dtype=dtype)
            noise += tf.linalg.matvec(tf.gather(self._factors(dtype), component), along)
        return tf.gather(loc, component) + temperature * tf.exp(log_scale) * noise

    def prior_moments(self):
        """Mean and standard deviation, both (D,), of each latent under the prior."""
        loc, log_scale, log_share = self._prior_weights(self.stream_dtype)
        share = tf.exp(log_share)[:, None]
        mean = tf.reduce_sum(share * loc, 0)
        within = tf.exp(2 * log_scale)
        if self.prior_factors:
            along = tf.reduce_sum(tf.square(self._factors(self.stream_dtype)), -1)
            within *= 1 + tf.reduce_sum(share * along, 0)
        variance = within + tf.reduce_sum(share * tf.square(loc - mean), 0)
        return mean, tf.sqrt(variance)
