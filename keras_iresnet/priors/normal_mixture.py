"""A prior of several Gaussians of one scale, which begin as the clusters of the first latents."""

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.seeds import split_seed
from keras_iresnet.ops.normal import normal
from keras_iresnet.priors.clusters import clustered
from keras_iresnet.priors.prior import Prior, check_count

if TYPE_CHECKING:
    import tensorflow_probability as tfp

_LEAST_EACH = 10  # examples of a component
_WANTED_EACH = 80  # clusters of ten images of digits are no kinds of digits


@keras.saving.register_keras_serializable(package="keras_iresnet")
class NormalMixture(Prior):
    """p(z) = sum_k softmax(logits)_k N(z; loc_k, exp(log_scale)^2), with `loc` (K, D), `logits` (K,), `log_scale` (D,).

    The components begin as the clusters that k-means finds among the first latents, and are trained along; where
    `trainable=False` they stay there: trained, they gain likelihood, and lose what they have of the kinds of examples.
    Samples profit: between kinds of examples, where one Gaussian has as much mass as elsewhere, there are none.

    The scale is common to all components: where each has its own, the widest wins all examples as soon as the latents
    have many dimensions, and the others, which no example is given to, learn no more. A likelihood takes room for
    batch * K * D numbers.

    Args:
        components: K, at least 1.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> prior = ki.priors.NormalMixture(2)
    >>> prior.build((None, 1))
    >>> prior.initialize(tf.constant([[-5.0], [-4.0]] * 5 + [[4.0], [5.0]] * 5))
    >>> sorted(prior.loc.numpy().ravel().tolist())
    [-4.5, 4.5]
    """

    def __init__(self, components: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_count("components", components, 1)
        self.components = components

    def build(self, input_shape: Shape) -> None:
        """Create the weights for latents (batch, D); one component has neither an axis of its own nor a share."""
        super().build(input_shape)
        several = self.components > 1
        shape = (self.components, self.dimension) if several else (self.dimension,)
        self.loc = self.add_weight(name="loc", shape=shape, initializer="zeros")
        self.log_scale = self.add_weight(name="log_scale", shape=(self.dimension,), initializer="zeros")
        self.logits = None
        if several:
            self.logits = self.add_weight(name="logits", shape=(self.components,), initializer="zeros")

    @property
    def wanted_examples(self) -> int:
        """Latents that `initialize` had better be given: 80 for each component."""
        return _WANTED_EACH * self.components

    @property
    def least_examples(self) -> int:
        """The fewest that it takes: 10 for each component."""
        return _LEAST_EACH * self.components

    def initialize(self, z: tf.Tensor) -> None:
        """Take the clusters among latents (examples, D), eagerly."""
        self.check_examples(len(z))
        self._begin_at(*clustered(np.asarray(z), self.components, 0)[:3])

    def _begin_at(self, centres, shares, deviations):
        self.loc.assign(tf.reshape(centres, self.loc.shape))
        self.log_scale.assign(np.log(deviations))
        if self.logits is not None:
            self.logits.assign(np.log(shares))

    def _parameters(self, dtype):
        """Means (K, D), log deviations (D,) and log shares (K,) of the components."""
        loc = tf.reshape(tf.cast(self.loc, dtype), (-1, self.dimension))
        logits = tf.zeros((1,), dtype) if self.logits is None else tf.cast(self.logits, dtype)
        return loc, tf.cast(self.log_scale, dtype), tf.nn.log_softmax(logits)

    def log_prob(self, z: tf.Tensor) -> tf.Tensor:
        """Log-density of latents (batch, D): (batch,) nats."""
        loc, log_scale, log_share = self._parameters(z.dtype)
        standard = (z[:, None] - loc) * tf.exp(-log_scale)
        each = -0.5 * tf.reduce_sum(tf.square(standard) + 2 * log_scale + math.log(2 * math.pi), -1)
        each = self._with_factors(each, standard)
        return each[:, 0] if self.logits is None else tf.reduce_logsumexp(log_share + each, -1)

    def _with_factors(self, log_probs, standard):
        """Log-densities (batch, K) of the components; `standard` (batch, K, D) has mean and scale taken off."""
        del standard
        return log_probs

    def sample(self, n: int | tf.Tensor, seed: tf.Tensor, temperature: float = 1.0) -> tf.Tensor:
        """Draw n latents (n, D), see `Prior.sample`; components keep their places at any temperature."""
        loc, log_scale, log_share = self._parameters(self.stream_dtype)
        component = tf.zeros((n,), tf.int32)
        if self.logits is not None:
            seed, component_seed = split_seed(seed, 2)
            component = tf.random.stateless_categorical(log_share[None], n, component_seed, dtype=tf.int32)[0]
        return tf.gather(loc, component) + temperature * tf.exp(log_scale) * self._noise(component, seed)

    def _noise(self, component, seed):
        """What is added, in units of the scale, to the centres of the components that were drawn (n,): (n, D)."""
        return normal((tf.size(component), self.dimension), seed, self.stream_dtype)

    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and standard deviation of each latent, both (D,)."""
        loc, log_scale, log_share = self._parameters(self.stream_dtype)
        share = tf.exp(log_share)[:, None]
        mean = tf.reduce_sum(share * loc, 0)
        within = tf.exp(2 * log_scale) * self._widening(share)
        return mean, tf.sqrt(within + tf.reduce_sum(share * tf.square(loc - mean), 0))

    def _widening(self, share):
        """How many times the variance within a component is that of its scale, on average; shares are (K, 1)."""
        del share
        return 1.0

    def distribution(self) -> "tfp.distributions.Distribution":
        """The prior in TensorFlow Probability, over events (D,); it follows the weights, and trains them."""
        from tensorflow_probability import distributions as tfd

        from keras_iresnet.priors.tfp_view import deferred

        components = self._component_distribution()
        if self.logits is None:
            return components
        return tfd.MixtureSameFamily(tfd.Categorical(deferred(self, self.logits)), components)

    def _component_distribution(self):
        """The components as a batch (K,), or one alone."""
        from tensorflow_probability import distributions as tfd

        from keras_iresnet.priors.tfp_view import deferred

        loc, scale = deferred(self, self.loc), deferred(self, self.log_scale, tf.exp)
        return tfd.Independent(tfd.Normal(loc, scale), 1)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "components": self.components}
