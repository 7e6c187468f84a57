"""How much each example counts: in a loss that several replicas share, and in what is set from data before training."""

import functools
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

_REPEATED = 2**14  # examples that whole-number weights may make of those that initialise a model
_NOT_THERE = -1.0  # weight of an example that only fills an empty share up


class Shares(NamedTuple):
    """What the examples of this replica's batch count.

    Attributes:
        weights: (batch,), such that the mean of weighted losses over the batch, averaged over the replicas, is
            sum(w l) / total over all of them.
        count: what this batch counts among others of an epoch, so that their mean is that over all examples.
    """

    weights: tf.Tensor
    count: tf.Tensor


def replicas() -> int:
    """How many replicas take this step together."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def with_an_example(data: Any) -> Any:
    """A batch (x, y, weights) of one of several replicas: an empty one gets an example that does not count."""
    x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
    count = tf.shape(tf.nest.flatten(x)[0])[0]
    missing = tf.cast(tf.equal(count, 0), tf.int32)
    weights = tf.ones((count,)) if weights is None else tf.cast(weights, tf.float32)
    x, y = tf.nest.map_structure(functools.partial(_filled, missing), (x, y))
    return x, y, tf.concat([weights, tf.fill((missing,), _NOT_THERE)], 0)


def shares(weights: tf.Tensor, *, weighted_mean: bool) -> Shares:
    """What examples of these weights (batch,) count.

    Args:
        weights: of the examples, at least 0; `with_an_example` has marked those that are not there.
        weighted_mean: whether the loss is sum(w l) / sum(w) over all replicas, rather than over the number of examples.
    """
    there = tf.cast(weights >= 0, weights.dtype)
    weights = weights * there
    total = tf.reduce_sum(weights if weighted_mean else there)
    number = float(replicas())
    if number > 1:
        # Not `all_reduce`, whose order among the collectives of batch normalisation TensorFlow does not keep.
        context = tf.distribute.get_replica_context()
        total = context.merge_call(lambda strategy, part: strategy.reduce("SUM", part, axis=None), args=(total,))
    batch = tf.cast(tf.size(weights), weights.dtype)
    return Shares(tf.math.divide_no_nan(weights * batch * number, total), total / number)


def check_weights(weights: Any) -> None:
    """Refuse an array of weights that are negative or not finite.

    Raises:
        ValueError: some are.
    """
    if weights is None or isinstance(weights, dict):
        return
    weights = np.asarray(weights)
    if weights.size and not (np.isfinite(weights).all() and weights.min() >= 0):
        raise ValueError(
            "`sample_weight` must be finite and at least 0 for each example. "
            f"Received: {weights.min()} to {weights.max()}"
        )


def with_targets_for_weights(x: Any, y: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Arrays with targets that mean nothing where there are none: Keras forgets weights without them."""
    if y is None and weights is not None:
        y = np.zeros(len(keras.tree.flatten(x)[0]), np.int32)
    return x, y, weights


def without_fillers(weights: tf.Tensor | None) -> tf.Tensor | None:
    """Weights of examples as metrics take them: 0 for those that are not there."""
    return None if weights is None else tf.maximum(weights, 0)


def resampled(examples: Any, weights: Any) -> tf.Tensor:
    """Examples as often as they count: whole-number weights repeat them, others draw as many as there are, evenly.

    Args:
        examples: (n, *event).
        weights: (n,), at least 0.

    Raises:
        ValueError: weights that cannot be, or none above 0.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.models.sample_weights import resampled
    >>> resampled(tf.constant([5, 6, 7]), [2.0, 0.0, 1.0]).numpy().tolist()
    [5, 5, 7]
    """
    check_weights(weights)
    weights = np.asarray(weights, np.float64).reshape(-1)
    if not weights.sum() > 0:
        raise ValueError("`sample_weight` must be above 0 for some of the first examples. Received: zeros")
    if (weights == np.round(weights)).all() and weights.sum() <= _REPEATED:
        return tf.repeat(examples, weights.astype(np.int64), axis=0)
    edges = np.cumsum(weights) / weights.sum()
    return tf.gather(examples, np.searchsorted(edges, (np.arange(len(weights)) + 0.5) / len(weights)))


def _filled(missing, part):
    """A part of a batch with `missing` zeros after it."""
    return None if part is None else tf.concat([part, tf.zeros((missing, *part.shape[1:]), part.dtype)], 0)
