"""Log-likelihood of held-out points, with its standard error."""

import dataclasses
import math
from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet.evaluation.batchwise import Bar, as_batches, evaluated
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import ExactLogDet, LogDetEstimator, SeriesLogDet

# Up to here the full Jacobian of a block costs no more than the probes that a comparable error would take.
EXACT_DIMENSION = 128
_LONG_SERIES = SeriesLogDet(num_terms=20, num_probes=4)


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A mean over examples.

    Args:
        mean: in `unit`.
        standard_error: of the mean, over examples; it holds the noise of the probes too.
        unit: `"nats"` of log-likelihood, higher is better.
        examples: how many.
        dimension: of one example.
        bins: values of one pixel, for a flow of images; `None` for points.
        estimator: how log-determinants were taken.
    """

    mean: float
    standard_error: float
    unit: str
    examples: int
    dimension: int
    bins: int | None
    estimator: str


def evaluate_log_likelihood(
    flow: Flow,
    dataset: Any,
    *,
    estimator: LogDetEstimator | None = None,
    batch_size: int = 1000,
    seed: int = 0,
    progress: bool = False,
) -> Evaluation:
    """Mean log-likelihood of points in data space, in nats.

    Args:
        flow: a `Flow`.
        dataset: `tf.data.Dataset` of points, batched or not, or an array (points, *event); for p(x | c) of pairs of
            points and conditions.
        estimator: of the log-determinants; by default exact up to 128 dimensions, beyond that a series of 20 terms
            with 4 probes.
        batch_size: points in a batch, for data that have no batches.
        seed: of the probes, where the estimator has any, and of dequantization, where the data are integer images.
        progress: whether to show a bar on standard error.

    Raises:
        ValueError: the points have another shape than the flow's, or there are none.

    Example:
    >>> import numpy as np
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.evaluation import evaluate_log_likelihood
    >>> flow = ki.zoo.toy_flow(blocks=1, units=(8,))
    >>> points = np.random.default_rng(0).normal(size=(500, 2)).astype("float32")
    >>> flow.initialize(points)
    >>> result = evaluate_log_likelihood(flow, points)
    >>> bool(abs(result.mean + 2.84) < 0.3)  # nearly the Gaussian that the points come from
    True
    """
    dimension = math.prod(flow.event_shape)
    estimator = estimator or default_estimator(dimension)
    batches = as_batches(dataset, flow.event_shape, batch_size, conditional=flow.condition_size is not None)
    values = log_likelihoods(flow, batches, estimator=estimator, seed=seed, progress=progress)
    error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else math.nan
    return Evaluation(float(values.mean()), error, "nats", len(values), dimension, flow.bins, repr(estimator))


def log_likelihoods(
    flow: Flow, batches: tf.data.Dataset, *, estimator: LogDetEstimator | None = None, seed: int = 0, progress: bool
) -> np.ndarray:
    """The log-likelihood of each example.

    Args:
        flow: a `Flow`.
        batches: batches of examples, or of pairs with conditions.
        estimator: of the log-determinants; by default as for `evaluate_log_likelihood`.
        seed: of dequantization and probes.
        progress: whether to show a bar on standard error.

    Returns:
        (examples,) float64, nats in data space.

    Raises:
        ValueError: there are none.
    """
    estimator = estimator or default_estimator(flow.dimension)

    def log_prob(batch, seed):
        x, condition = batch if isinstance(batch, tuple) else (batch, None)
        return flow.log_prob(x, seed=seed, estimator=estimator, condition=condition)

    # A flow needs nothing of autograph, which would slow the tracing of every block.
    compiled = tf.function(log_prob, autograph=False)
    compiled = compiled.get_concrete_function(batches.element_spec, tf.TensorSpec((2,), tf.int32))
    with Bar(batches, progress) as bar:
        parts = list(bar.tracked(evaluated(lambda index, x: compiled(x, tf.constant([seed, index])).numpy(), batches)))
    if not parts:
        raise ValueError("`dataset` must hold at least 1 example. Received: none")
    return np.concatenate(parts).astype(np.float64)


def default_estimator(dimension: int) -> LogDetEstimator:
    """Exact where the full Jacobian is affordable, else a long series."""
    return ExactLogDet() if dimension <= EXACT_DIMENSION else _LONG_SERIES
