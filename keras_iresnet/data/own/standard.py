"""Conditions in units of their spread: a density given them stays the same, and a network sees numbers around 1."""

import dataclasses

import numpy as np

from keras_iresnet.data.description import Description
from keras_iresnet.data.own.examples import Examples


def with_spread(examples: Examples, rows: np.ndarray) -> Description:
    """The description, with mean and deviation of each condition over some rows if there are conditions in numbers."""
    if examples.beside is None or examples.beside.ndim == 1:
        return examples.description
    trained = examples.beside[rows].astype(np.float64)
    spread = trained.std(0)
    return dataclasses.replace(
        examples.description,
        condition_mean=tuple(map(float, trained.mean(0))),
        condition_deviation=tuple(map(float, np.where(spread > 0, spread, 1.0))),
    )


def standardized(examples: Examples, description: Description) -> Examples:
    """Examples whose conditions have the mean and the deviation of a description taken off.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.data import Description, Examples
    >>> from keras_iresnet.data.own.standard import standardized
    >>> held, beside = np.zeros((1, 2)), np.array([[700.0]])
    >>> examples = Examples((2,), None, held, beside, np.array([1]), Description())
    >>> known = Description(condition_mean=(500.0,), condition_deviation=(100.0,))
    >>> standardized(examples, known).beside.tolist()
    [[2.0]]
    """
    if not description.condition_mean or examples.beside is None:
        return examples
    mean, deviation = (np.array(part) for part in (description.condition_mean, description.condition_deviation))
    return dataclasses.replace(examples, beside=((examples.beside - mean) / deviation).astype(np.float32))
