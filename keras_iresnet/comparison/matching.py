"""How wide a network must be for a model to have so many parameters."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_iresnet import zoo

_PROBED = (4, 8, 12)


def matched_width(count: Callable[[int], int], target: int) -> int:
    """The width whose parameters come nearest to a target.

    Networks of several layers of one width have a number of parameters that is a polynomial of degree two of it: three
    small ones tell it.

    Args:
        count: width -> number of parameters.
        target: number of parameters.

    Raises:
        ValueError: the target is not positive.

    Example:
    >>> from keras_iresnet.comparison.matching import matched_width
    >>> matched_width(lambda width: 3 * width**2 + 5 * width + 2, 1000)
    17
    """
    if target < 1:
        raise ValueError(f"`parameters` must be at least 1. Received: parameters={target}")
    known = np.polyfit(_PROBED, [count(width) for width in _PROBED], 2)
    largest = 2
    while np.polyval(known, largest) < target and largest < 2**20:
        largest *= 2
    widths = np.arange(1, largest + 1)
    return int(widths[np.argmin(np.abs(np.polyval(known, widths) - target))])


def parameters_of(model: str, facts: Mapping[str, Any], keywords: Mapping[str, Any]) -> int:
    """The number of trained parameters of a model of the zoo.

    Args:
        model: name in the zoo.
        facts: what the data decide of its builder, see `keras_iresnet.runs.run_data.facts_of`.
        keywords: others of its builder.

    Example:
    >>> from keras_iresnet.comparison.matching import parameters_of
    >>> parameters_of("toy_flow", {}, {"blocks": 1, "units": (4, 4, 4)})
    77
    """
    built = zoo.get(model).builder(**facts, **keywords)
    return sum(weight.shape.num_elements() for weight in built.trainable_weights)
