"""Loss and metrics of a density model: they read log-likelihoods, whatever the targets are."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import lower_is_better


def bits_per_dim(log_prob: tf.Tensor, *, dimension: int, bins: int) -> tf.Tensor:
    """Nats of a density on [0, 1)^dimension -> bits per dimension of integers in `bins` bins.

        bits/dim = -log_prob / (dimension ln 2) + log2(bins)

    Args:
        log_prob: (batch,) nats.
        dimension: number D of pixels times channels.
        bins: number of values that a pixel can take.
    """
    return math.log2(bins) - log_prob / (dimension * math.log(2))


def negative_log_likelihood(log_prob: tf.Tensor, *, dimension: int, bins: int | None) -> tf.Tensor:
    """What a flow is trained and reported in: bits/dim for images, nats for points (`bins=None`)."""
    log_prob = tf.convert_to_tensor(log_prob)
    return -log_prob if bins is None else bits_per_dim(log_prob, dimension=dimension, bins=bins)


@keras.saving.register_keras_serializable(package="keras_iresnet")
class NegativeLogLikelihood(keras.losses.Loss):
    """Mean of -log p: in bits/dim over `dimension` dimensions and `bins` bins, in nats when `bins` is `None`.

    Example:
    >>> import keras_iresnet as ki
    >>> loss = ki.models.NegativeLogLikelihood(dimension=64, bins=16)
    >>> float(loss([0.0], [0.0]))  # the uniform density: log2(16) bits
    4.0
    """

    def __init__(
        self, *, dimension: int, bins: int | None = None, name: str = "negative_log_likelihood", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.dimension, self.bins = dimension, bins

    def call(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """`y_pred` (batch,) nats; `y_true` is ignored."""
        del y_true
        return negative_log_likelihood(y_pred, dimension=self.dimension, bins=self.bins)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "dimension": self.dimension, "bins": self.bins}


@lower_is_better
class _LikelihoodMean(keras.metrics.Mean):
    """Mean of -log p over examples."""

    def __init__(self, *, dimension, bins, **kwargs):
        super().__init__(**kwargs)
        self.dimension, self.bins = dimension, bins

    def update_state(self, y_true, y_pred, sample_weight=None):
        """`y_pred` (batch,) nats; `y_true` is ignored."""
        del y_true
        values = negative_log_likelihood(y_pred, dimension=self.dimension, bins=self.bins)
        super().update_state(values, sample_weight)


@keras.saving.register_keras_serializable(package="keras_iresnet")
class BitsPerDim(_LikelihoodMean):
    """Mean bits/dim over `dimension` dimensions and `bins` bins, from log-likelihoods in nats.

    Example:
    >>> import keras_iresnet as ki
    >>> metric = ki.models.BitsPerDim(dimension=64, bins=16)
    >>> metric.update_state(None, [0.0])
    >>> float(metric.result())
    4.0
    """

    def __init__(self, *, dimension: int, bins: int | None, name: str = "bits_per_dim", **kwargs: Any) -> None:
        super().__init__(dimension=dimension, bins=bins, name=name, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "dimension": self.dimension, "bins": self.bins}


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Nats(_LikelihoodMean):
    """Mean -log p in nats, for densities of points.

    Example:
    >>> import keras_iresnet as ki
    >>> metric = ki.models.Nats()
    >>> metric.update_state(None, [-1.0, -2.0])
    >>> float(metric.result())
    1.5
    """

    def __init__(self, *, name: str = "nats", **kwargs: Any) -> None:
        super().__init__(dimension=None, bins=None, name=name, **kwargs)
