"""What TensorFlow Probability does not promise to keep; imported where TFP is needed alone, since it takes seconds."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import tensorflow_probability as tfp
from tensorflow_probability.python.bijectors import ffjord, masked_autoregressive

Value = TypeVar("Value")
Bijector = TypeVar("Bijector", bound=tfp.bijectors.Bijector)


def untracked(module: Any, value: Value) -> Value:
    """A value that a `tf.Module` may keep as an attribute without looking for variables in it.

    A Keras layer shows its weights by another way; found twice, an optimizer would be given them twice.
    """
    return module._no_dependency(value)


def without_tracking(*names: str) -> Callable[[type[Bijector]], type[Bijector]]:
    """Class decorator for bijectors: `variables` and the like do not look at these attributes."""

    def decorated(cls):
        cls._TF_MODULE_IGNORED_PROPERTIES = cls._TF_MODULE_IGNORED_PROPERTIES | set(names)
        return cls

    return decorated


def autoregressive_masks(
    outputs: int, features: int, units: Sequence[int], order: str = "left-to-right"
) -> list[np.ndarray]:
    """Boolean masks (inputs, outputs) of the dense layers of a network whose outputs i see the features before i alone.

    TFP's own network of them is a layer of Keras 2, whose weights no file of Keras 3 would hold.

    Args:
        outputs: numbers for each feature, next to each other in the last layer.
        features: of the input.
        units: hidden units, one per hidden layer.
        order: `"left-to-right"` or `"right-to-left"`.

    Example:
    >>> from keras_iresnet.borrowed.tfp_names import autoregressive_masks
    >>> [mask.shape for mask in autoregressive_masks(2, 3, (8, 8))]
    [(3, 8), (8, 8), (8, 6)]
    """
    return masked_autoregressive._make_dense_autoregressive_masks(outputs, features, list(units), order)


# TFP's documentation of FFJORD speaks of both, by a path that its public modules do not have.
exact_trace = ffjord.trace_jacobian_exact
hutchinson_trace = ffjord.trace_jacobian_hutchinson
