"""Takes the examples that initialise a model out of whatever Keras can be fitted on."""

import itertools
import types
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.models.example_checks import check_batch
from keras_iresnet.models.sample_weights import resampled


def first_examples(x: Any, count: int, sample_weight: Any = None) -> tuple[Any, Any]:
    """Up to `count` examples of x, without their labels, and an x that still holds them all.

    From an array, which may be sorted, they are drawn at random; from a data set they are the first ones.

    Args:
        x: array or tensor (examples, *event), `tf.data.Dataset`, `keras.utils.PyDataset`, or a generator of batches.
        count: how many are wanted.
        sample_weight: (examples,) of an array; a source of batches (x, y, weights) brings its own. What counts more is
            there more often.

    Raises:
        ValueError: x is a data set that a strategy has distributed: no process can see all of a batch.
    """
    if isinstance(x, tf.distribute.DistributedDataset):
        raise ValueError(
            "A model must be initialised before it is fitted to a distributed data set: call its `initialize` with a "
            f"batch first. Received: x={type(x).__name__}"
        )
    if isinstance(x, types.GeneratorType):
        taken, examples = _collect(x, count)
        return examples, (batch for batch in itertools.chain(taken, x))
    if isinstance(x, keras.utils.PyDataset):
        # One without a length never ends.
        numbers = itertools.count() if x.num_batches is None else range(x.num_batches)
        return _collect((x[i] for i in numbers), count)[1], x
    if isinstance(x, tf.data.Dataset):
        return _collect(x, count)[1], x
    array = np.asarray(x)
    chosen = np.random.default_rng(0).choice(len(array), min(count, len(array)), replace=False)
    chosen = np.sort(chosen)
    if sample_weight is None:
        return array[chosen], x
    return resampled(array[chosen], np.asarray(sample_weight)[chosen]), x


def _collect(batches, count):
    taken, examples, weights, found = [], [], [], 0
    for batch in batches:
        check_batch(batch)
        taken.append(batch)
        examples.append(batch[0] if isinstance(batch, tuple) else batch)
        weights.append(batch[2] if isinstance(batch, tuple) and len(batch) > 2 else None)
        found += len(examples[-1])
        if found >= count:
            break
    together = tf.concat(examples, 0)
    if any(part is None for part in weights):
        return taken, together[:count]
    return taken, resampled(together, tf.concat(weights, 0))
