"""Likelihood of held-out examples, with its standard error."""

import dataclasses

import numpy as np
import rich.console
import rich.progress
import tensorflow as tf

from keras_iresnet.ops.log_det import ExactLogDet, SeriesLogDet

# Up to here the full Jacobian of a block costs no more than the probes that a comparable error would take.
_EXACT_DIMENSION = 128
_LONG_SERIES = SeriesLogDet(num_terms=20, num_probes=4)


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A mean over examples.

    Args:
        mean: in `unit`.
        standard_error: of the mean, over examples; it holds the noise of dequantization and probes too.
        unit: `"bits/dim"`, lower is better, or `"nats"` of log-likelihood, higher is better.
        examples: how many.
        dimension: of one example.
        bins: values of one pixel, which bits/dim refer to; `None` for points.
        estimator: how log-determinants were taken.
    """

    mean: float
    standard_error: float
    unit: str
    examples: int
    dimension: int
    bins: int | None
    estimator: str


def evaluate_bits_per_dim(flow, dataset, *, estimator=None, batch_size=100, seed=0, progress=False) -> Evaluation:
    """Mean bits/dim of integer images, one draw of dequantization noise each.

    Args:
        flow: a `Flow` with `bins`.
        dataset: `tf.data.Dataset` of images, batched or not, or an array (images, height, width, channels).
        estimator: of the log-determinants; by default exact up to 128 dimensions, beyond that a series of 20 terms
            with 4 probes.
        batch_size: images in a batch, for data that have no batches.
        seed: of the noise: the same seed gives the same result.
        progress: whether to show a bar on standard error.

    Raises:
        ValueError: the flow is one of points, the images have another shape than the flow's, or there are none.

    Example:
    >>> import numpy as np
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.analysis import evaluate_bits_per_dim
    >>> flow = ki.zoo.digits_flow(blocks=(1,), channels=4)
    >>> images = np.random.default_rng(0).integers(0, 17, (50, 8, 8, 1), dtype=np.uint8)
    >>> flow.initialize(images)
    >>> result = evaluate_bits_per_dim(flow, images)
    >>> bool(abs(result.mean - np.log2(17)) < 0.1)  # noise has the bits of a uniform
    True
    >>> result.examples, result.dimension, result.bins
    (50, 64, 17)
    """
    if flow.bins is None:
        raise ValueError("`flow` must be one of images, with `bins`; `evaluate_log_likelihood` takes points")
    values, how = _evaluate(flow, flow.bits_per_dim, dataset, estimator, batch_size, seed, progress)
    return _summary(flow, values, "bits/dim", how)


def evaluate_log_likelihood(flow, dataset, *, estimator=None, batch_size=1000, seed=0, progress=False) -> Evaluation:
    """Mean log-likelihood of points in data space, in nats.

    Args:
        flow: a `Flow`.
        dataset: `tf.data.Dataset` of points, batched or not, or an array (points, *event).
        estimator: as for `evaluate_bits_per_dim`.
        batch_size: points in a batch, for data that have no batches.
        seed: of the probes, where the estimator has any, and of dequantization, where the data are integer images.
        progress: whether to show a bar on standard error.

    Raises:
        ValueError: the points have another shape than the flow's, or there are none.
    """
    values, how = _evaluate(flow, flow.log_prob, dataset, estimator, batch_size, seed, progress)
    return _summary(flow, values, "nats", how)


def default_estimator(dimension: int):
    """Exact where the full Jacobian is affordable, else a long series."""
    return ExactLogDet() if dimension <= _EXACT_DIMENSION else _LONG_SERIES


def _evaluate(flow, function, dataset, estimator, batch_size, seed, progress):
    """`function` of every example, (examples,) float64, and the estimator used."""
    estimator = estimator or default_estimator(_dimension(flow))
    batches = _batches(dataset, flow.event_shape, batch_size)
    # A flow needs nothing of autograph, which would slow the tracing of every block.
    compiled = tf.function(lambda x, seed: function(x, seed=seed, estimator=estimator), autograph=False)
    compiled = compiled.get_concrete_function(batches.element_spec, tf.TensorSpec((2,), tf.int32))
    values = [compiled(x, tf.constant([seed, index])).numpy() for index, x in enumerate(_tracked(batches, progress))]
    if not values:
        raise ValueError("`dataset` must hold at least 1 example. Received: none")
    return np.concatenate(values).astype(np.float64), estimator


def _tracked(batches, progress):
    """`batches`, with a bar on standard error where someone watches."""
    console = rich.console.Console(stderr=True)
    total = max(0, int(batches.cardinality())) or None  # TensorFlow codes an unknown number as negative
    shown = progress and console.is_terminal
    return rich.progress.track(batches, "evaluating", total, console=console, transient=True, disable=not shown)


def _batches(dataset, event_shape, batch_size):
    """`dataset` as batches (batch, *event)."""
    if not isinstance(dataset, tf.data.Dataset):
        dataset = tf.data.Dataset.from_tensor_slices(np.asarray(dataset))
    spec = dataset.element_spec
    if not isinstance(spec, tf.TensorSpec):
        raise ValueError(f"`dataset` must give examples alone, without labels. Received: element_spec={spec}")
    if spec.shape.rank == len(event_shape):
        dataset = dataset.batch(batch_size)
    shape = dataset.element_spec.shape[1:]
    if tuple(shape) != tuple(event_shape):
        raise ValueError(f"`dataset` must hold examples of shape {tuple(event_shape)}. Received: shape={tuple(shape)}")
    return dataset


def _dimension(flow):
    return int(np.prod(flow.event_shape))


def _summary(flow, values, unit, estimator):
    error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
    mean, bins = float(np.mean(values)), flow.bins
    return Evaluation(mean, error, unit, len(values), _dimension(flow), bins, repr(estimator))
