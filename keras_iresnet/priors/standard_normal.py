"""The prior without weights: independent standard normal latents."""

import math
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from keras_iresnet.ops.normal import normal
from keras_iresnet.priors.prior import Prior

if TYPE_CHECKING:
    import tensorflow_probability as tfp


@keras.saving.register_keras_serializable(package="keras_iresnet")
class StandardNormal(Prior):
    """p(z) = N(z; 0, I): nothing in it is learned.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> f"{ki.priors.StandardNormal()(tf.zeros((1, 2))).numpy()[0]:.4f}"  # -ln(2 pi)
    '-1.8379'
    """

    def log_prob(self, z: tf.Tensor) -> tf.Tensor:
        """Log-density of latents (batch, D): (batch,) nats."""
        return -0.5 * tf.reduce_sum(tf.square(z) + math.log(2 * math.pi), -1)

    def sample(self, n: int | tf.Tensor, seed: tf.Tensor, temperature: float = 1.0) -> tf.Tensor:
        """Draw n latents (n, D), see `Prior.sample`."""
        return temperature * normal((n, self.dimension), seed, self.stream_dtype)

    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Zeros and ones, both (D,)."""
        return tf.zeros(self.dimension, self.stream_dtype), tf.ones(self.dimension, self.stream_dtype)

    def distribution(self) -> "tfp.distributions.Distribution":
        """The prior in TensorFlow Probability, over events (D,)."""
        from tensorflow_probability import distributions as tfd

        return tfd.Independent(tfd.Normal(*self.moments()), 1)
