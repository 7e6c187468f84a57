"""Priors as distributions of TensorFlow Probability, which takes seconds to import: so this file is imported late."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import keras
import tensorflow as tf
import tensorflow_probability as tfp

if TYPE_CHECKING:
    from keras_iresnet.priors.prior import Prior


def deferred(
    prior: "Prior",
    weight: keras.Variable,
    transform: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    shape: tuple[int, ...] | None = None,
) -> tfp.util.DeferredTensor:
    """What `transform` makes of a weight, read anew at each use; TFP sees the weight if the prior is trained."""
    shape = tuple(weight.shape) if shape is None else shape
    if prior.trainable:
        return tfp.util.DeferredTensor(weight.value, transform, shape=shape)
    nothing = tf.zeros(weight.shape, weight.dtype)
    return tfp.util.DeferredTensor(nothing, lambda _: transform(tf.convert_to_tensor(weight)), shape=shape)


class PriorDistribution(tfp.distributions.Distribution):
    """A prior that has no distribution of TFP's own: its `log_prob` and `sample`, over events (D,).

    Args:
        prior: a built `Prior`.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.priors.tfp_view import PriorDistribution
    >>> prior = ki.priors.StandardNormal()
    >>> prior.build((None, 3))
    >>> distribution = PriorDistribution(prior)
    >>> distribution.log_prob(distribution.sample(5, seed=1)).shape
    TensorShape([5])
    """

    def __init__(self, prior: "Prior") -> None:
        self._prior = prior
        self._followed = [weight.value for weight in prior.trainable_weights]  # what TFP finds to train
        super().__init__(
            dtype=tf.as_dtype(prior.stream_dtype),
            reparameterization_type=tfp.distributions.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters={"prior": prior},
            name=type(prior).__name__,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def _event_shape(self):
        return tf.TensorShape((self._prior.dimension,))

    def _event_shape_tensor(self):
        return tf.constant([self._prior.dimension])

    def _batch_shape(self):
        return tf.TensorShape(())

    def _log_prob(self, value):
        flat = self._prior.log_prob(tf.reshape(value, (-1, self._prior.dimension)))
        return tf.reshape(flat, tf.shape(value)[:-1])

    def _sample_n(self, n, seed=None):
        return self._prior.sample(n, tfp.random.sanitize_seed(seed))
