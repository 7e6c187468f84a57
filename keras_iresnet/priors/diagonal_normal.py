"""The prior that most flows have: a Gaussian with a mean and a deviation for each latent."""

import math
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.ops.normal import normal
from keras_iresnet.priors.prior import Prior

if TYPE_CHECKING:
    import tensorflow_probability as tfp

_LEAST_VARIANCE = 1e-12  # of a latent that never changed among the first examples


@keras.saving.register_keras_serializable(package="keras_iresnet")
class DiagonalNormal(Prior):
    """p(z) = N(z; loc, exp(log_scale)^2), with `loc` and `log_scale` of shape (D,).

    It starts at 0 and 1, takes the moments of the first latents by `initialize`, and is trained along.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> prior = ki.priors.DiagonalNormal()
    >>> prior.build((None, 2))
    >>> prior.initialize(tf.constant([[1.0, 5.0], [3.0, 7.0]]))
    >>> [moment.numpy().round(4).tolist() for moment in prior.moments()]
    [[2.0, 6.0], [1.0, 1.0]]
    """

    def build(self, input_shape: Shape) -> None:
        """Create the weights for latents (batch, D)."""
        super().build(input_shape)
        self.loc = self.add_weight(name="loc", shape=(self.dimension,), initializer="zeros")
        self.log_scale = self.add_weight(name="log_scale", shape=(self.dimension,), initializer="zeros")

    @property
    def least_examples(self) -> int:
        """One has no deviation."""
        return 2

    def initialize(self, z: tf.Tensor) -> None:
        """Take mean and deviation of latents (examples, D); of fewer than 16, drawn towards that of all dimensions."""
        self.check_examples(len(z))
        mean, variance = tf.nn.moments(z, [0])
        # Of few latents some hardly differ by chance; a deviation as small would make all others impossible.
        pseudo = max(0.0, 2 - len(z) / 8)
        variance = (len(z) * variance + pseudo * tf.reduce_mean(variance)) / (len(z) + pseudo)
        self.loc.assign(mean)
        self.log_scale.assign(0.5 * tf.math.log(tf.maximum(variance, _LEAST_VARIANCE)))

    def log_prob(self, z: tf.Tensor) -> tf.Tensor:
        """Log-density of latents (batch, D): (batch,) nats."""
        loc, log_scale = (tf.cast(weight, z.dtype) for weight in (self.loc, self.log_scale))
        standard = (z - loc) * tf.exp(-log_scale)
        return -0.5 * tf.reduce_sum(tf.square(standard) + 2 * log_scale + math.log(2 * math.pi), -1)

    def sample(self, n: int | tf.Tensor, seed: tf.Tensor, temperature: float = 1.0) -> tf.Tensor:
        """Draw n latents (n, D), see `Prior.sample`."""
        mean, deviation = self.moments()
        return mean + temperature * deviation * normal((n, self.dimension), seed, self.stream_dtype)

    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and standard deviation of each latent, both (D,)."""
        return tf.cast(self.loc, self.stream_dtype), tf.exp(tf.cast(self.log_scale, self.stream_dtype))

    def distribution(self) -> "tfp.distributions.Distribution":
        """The prior in TensorFlow Probability, over events (D,); it follows the weights, and trains them."""
        from tensorflow_probability import distributions as tfd

        from keras_iresnet.priors.tfp_view import deferred

        loc, scale = deferred(self, self.loc), deferred(self, self.log_scale, tf.exp)
        return tfd.Independent(tfd.Normal(loc, scale), 1)
