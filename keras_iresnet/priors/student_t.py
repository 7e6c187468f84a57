"""A prior with heavy tails: a Student distribution for each latent, with its own degrees of freedom."""

import math
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.ops.uniform import uniform
from keras_iresnet.priors.diagonal_normal import DiagonalNormal

if TYPE_CHECKING:
    import tensorflow_probability as tfp

_LEAST_FREEDOM = 2.0  # below which there is no deviation


@keras.saving.register_keras_serializable(package="keras_iresnet")
class StudentT(DiagonalNormal):
    """p(z) = t_nu((z - loc) / exp(log_scale)) / exp(log_scale), with nu = 2 + exp(log_freedom), all of shape (D,).

    It starts with 10 degrees of freedom, takes mean and deviation of the first latents by `initialize`, and is trained
    along, nu included: an outlier costs the logarithm of its distance, where it costs a Gaussian the square.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> prior = ki.priors.StudentT()
    >>> prior.build((None, 1))
    >>> far = tf.constant([[20.0]])
    >>> f"{prior(far)[0]:.0f}", f"{ki.priors.StandardNormal()(far)[0]:.0f}"
    ('-21', '-201')
    """

    def build(self, input_shape: Shape) -> None:
        """Create the weights for latents (batch, D)."""
        super().build(input_shape)
        start = keras.initializers.Constant(math.log(10 - _LEAST_FREEDOM))
        self.log_freedom = self.add_weight(name="log_freedom", shape=(self.dimension,), initializer=start)

    def _freedom(self, dtype):
        return _freedom_of(tf.cast(self.log_freedom, dtype))

    def initialize(self, z: tf.Tensor) -> None:
        """Take mean and deviation of latents (examples, D)."""
        super().initialize(z)
        freedom = self._freedom(self.stream_dtype)
        self.log_scale.assign(self.log_scale + tf.cast(0.5 * tf.math.log1p(-2 / freedom), self.log_scale.dtype))

    def log_prob(self, z: tf.Tensor) -> tf.Tensor:
        """Log-density of latents (batch, D): (batch,) nats."""
        loc, log_scale = (tf.cast(weight, z.dtype) for weight in (self.loc, self.log_scale))
        freedom = self._freedom(z.dtype)
        half = (freedom + 1) / 2
        constant = tf.math.lgamma(half) - tf.math.lgamma(freedom / 2) - 0.5 * tf.math.log(math.pi * freedom) - log_scale
        square = tf.square((z - loc) * tf.exp(-log_scale))
        return tf.reduce_sum(constant - half * tf.math.log1p(square / freedom), -1)

    def sample(self, n: int | tf.Tensor, seed: tf.Tensor, temperature: float = 1.0) -> tf.Tensor:
        """Draw n latents (n, D), see `Prior.sample`; by Bailey's polar method (Math. Comp. 62, 1994)."""
        dtype = self.stream_dtype
        radius, angle = tf.unstack(uniform((2, n, self.dimension), seed, dtype))
        freedom = self._freedom(dtype)
        # U^(-2/nu) - 1 for U = 1 - radius in (0, 1]; the logarithm keeps its digits next to 1.
        length = tf.sqrt(freedom * tf.math.expm1(-2 / freedom * tf.math.log1p(-radius)))
        standard = length * tf.cos(2 * math.pi * angle)
        loc, log_scale = (tf.cast(weight, dtype) for weight in (self.loc, self.log_scale))
        return loc + temperature * tf.exp(log_scale) * standard

    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and standard deviation of each latent, both (D,)."""
        freedom = self._freedom(self.stream_dtype)
        loc, scale = super().moments()
        return loc, scale * tf.sqrt(freedom / (freedom - 2))

    def distribution(self) -> "tfp.distributions.Distribution":
        """The prior in TensorFlow Probability, over events (D,); it follows the weights, and trains them."""
        from tensorflow_probability import distributions as tfd

        from keras_iresnet.priors.tfp_view import deferred

        freedom = deferred(self, self.log_freedom, _freedom_of)
        loc, scale = deferred(self, self.loc), deferred(self, self.log_scale, tf.exp)
        return tfd.Independent(tfd.StudentT(freedom, loc, scale), 1)


def _freedom_of(log_freedom):
    return _LEAST_FREEDOM + tf.exp(log_freedom)
