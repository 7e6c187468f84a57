"""The prior of a flow: a diagonal Gaussian over its latents, or a mixture of several of one scale."""

import math

import numpy as np
import tensorflow as tf

from keras_iresnet.layers.seeds import split_seed

_EXAMPLES_EACH = 10  # that a component needs at least
_CLUSTERED_EACH = 80  # that `fit` gives it: clusters of ten images of digits are no kinds of digits


class GaussianPrior:
    """Mixin for Keras models over latents (batch, D), D = `dimension`.

    With one component the weights are `prior_loc` and `prior_log_scale`, (D,), and p(z) = N(z; loc, exp(log_scale)).
    With K of them `prior_loc` is (K, D), `prior_logits` is (K,), and p(z) = sum_k softmax(logits)_k N(z; loc_k, ...).

    The scale is common to all components: where each has its own, the widest wins all examples as soon as the latents
    have many dimensions, and the others, which no example is given to, learn no more.
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
        options = {"initializer": "zeros", "trainable": self.learned_prior}
        each = (self.dimension,) if count == 1 else (count, self.dimension)
        self.prior_loc = self.add_weight(name="prior_loc", shape=each, **options)
        self.prior_log_scale = self.add_weight(name="prior_log_scale", shape=(self.dimension,), **options)
        self.prior_logits = None if count == 1 else self.add_weight(name="prior_logits", shape=(count,), **options)

    @property
    def initialization_batch(self):
        """Examples that `fit` gives to `initialize`."""
        return max(super().initialization_batch, _CLUSTERED_EACH * self.prior_components)

    @property
    def least_initialization_batch(self):
        """The fewest examples that `initialize` takes: the clusters of a mixture are found among them."""
        return 1 if self.prior_components == 1 else _EXAMPLES_EACH * self.prior_components

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
        if self.prior_components == 1:
            mean, variance = tf.nn.moments(z, [0])
            self.prior_loc.assign(mean)
        else:
            centres, cluster = _clusters(z.numpy(), self.prior_components)
            count = np.bincount(cluster, minlength=self.prior_components)
            # The centres were chosen to be near; so many degrees of freedom are spent.
            within = np.square(z.numpy() - centres[cluster]).sum(0) / (len(cluster) - self.prior_components)
            variance = tf.cast(within, z.dtype)
            self.prior_loc.assign(centres)
            self.prior_logits.assign(np.log(np.maximum(count, 1) / len(cluster)))
        self.prior_log_scale.assign(0.5 * tf.math.log(tf.maximum(variance, 1e-12)))

    def _prior_weights(self, dtype):
        """Means (K, D), log deviations (D,) and log shares (K,) of the components."""
        loc = tf.reshape(tf.cast(self.prior_loc, dtype), (-1, self.dimension))
        logits = tf.zeros((1,), dtype) if self.prior_logits is None else tf.cast(self.prior_logits, dtype)
        return loc, tf.cast(self.prior_log_scale, dtype), tf.nn.log_softmax(logits)

    def _prior_log_prob(self, z):
        """(batch, D) -> (batch,) nats."""
        loc, log_scale, log_share = self._prior_weights(z.dtype)
        standard = (z[:, None] - loc) * tf.exp(-log_scale)
        each = -0.5 * tf.reduce_sum(tf.square(standard) + 2 * log_scale + math.log(2 * math.pi), -1)
        return each[:, 0] if self.prior_logits is None else tf.reduce_logsumexp(log_share + each, -1)

    def _prior_sample(self, n, seed, temperature):
        """Draw (n, D); `temperature` is a factor of the deviation."""
        dtype = self.stream_dtype
        loc, log_scale, log_share = self._prior_weights(dtype)
        if self.prior_logits is None:
            component = tf.zeros((n,), tf.int32)
        else:
            seed, component_seed = split_seed(seed, 2)
            component = tf.random.stateless_categorical(log_share[None], n, component_seed, dtype=tf.int32)[0]
        noise = tf.random.stateless_normal((n, self.dimension), seed, dtype=dtype)
        return tf.gather(loc, component) + temperature * tf.exp(log_scale) * noise

    def prior_moments(self):
        """Mean and standard deviation, both (D,), of each latent under the prior."""
        loc, log_scale, log_share = self._prior_weights(self.stream_dtype)
        share = tf.exp(log_share)[:, None]
        mean = tf.reduce_sum(share * loc, 0)
        variance = tf.exp(2 * log_scale) + tf.reduce_sum(share * tf.square(loc - mean), 0)
        return mean, tf.sqrt(variance)


def _clusters(points, count):
    """Centres (count, D) of the clusters that k-means finds among points (n, D), and the cluster of each point (n,)."""
    import sklearn.cluster  # which takes a second

    found = sklearn.cluster.KMeans(count, n_init=1, random_state=0).fit(points)
    return found.cluster_centers_, found.labels_
