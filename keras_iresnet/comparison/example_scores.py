"""What each held-out example is worth to a density, kept beside its run."""

import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from keras_iresnet import data
from keras_iresnet.evaluation.bits_per_dim import ImageEvaluator
from keras_iresnet.evaluation.log_likelihood import EXACT_DIMENSION, default_estimator, log_likelihoods
from keras_iresnet.models import Flow
from keras_iresnet.models.files.replacing import replacing

BATCH = 500
_SEED = 0  # of dequantization and probes: the same noise for every model, so that differences are of the models


def flow_scores(flow: Flow, splits: data.Splits, examples: int, *, progress: bool) -> np.ndarray:
    """Log-likelihoods of the first test examples, (examples,) nats.

    Of images, which all models see with the same noise. The log-determinant is exact up to 128 dimensions, beyond
    that as `evaluate_bits_per_dim` takes it.
    """
    if flow.bins is None or flow.dimension <= EXACT_DIMENSION:
        estimator = default_estimator(flow.dimension)
    else:
        estimator = ImageEvaluator(flow).estimator
    batches = splits.test.take(examples).batch(BATCH)
    return log_likelihoods(flow, batches, estimator=estimator, seed=_SEED, progress=progress)


def kept(path: pathlib.Path, compute: Callable[[], np.ndarray], examples: int) -> np.ndarray:
    """What is in the file, if it holds so many numbers, else what is computed, and written there."""
    if path.is_file():
        found = np.load(path)
        if found.shape == (examples,):
            return found
    found = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.save(file, found)
    return found


def mean_and_errors(values: np.ndarray) -> tuple[float, float | None, float]:
    """Mean, and its standard errors from seeds and from examples apart, of values (seeds, examples).

    The error from seeds is that of the mean over seeds, the examples held fixed, `None` for one seed; the error from
    examples that of the mean over examples, for the average of these seeds.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.comparison.example_scores import mean_and_errors
    >>> mean_and_errors(np.array([[1.0, 3.0], [3.0, 5.0]]))
    (3.0, 1.0, 1.0)
    """
    by_seed, by_example = values.mean(1), values.mean(0)
    return float(values.mean()), standard_error(by_seed) if len(by_seed) > 1 else None, standard_error(by_example)


def standard_error(values: Sequence[float] | np.ndarray) -> float:
    """Of the mean of independent values."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))
