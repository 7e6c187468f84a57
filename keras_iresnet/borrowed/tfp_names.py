"""What TensorFlow Probability does not promise to keep; imported where TFP is needed alone, since it takes seconds."""

from collections.abc import Callable
from typing import Any, TypeVar

import tensorflow_probability as tfp
from tensorflow_probability.python.bijectors import ffjord

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


# TFP's documentation of FFJORD speaks of both, by a path that its public modules do not have.
exact_trace = ffjord.trace_jacobian_exact
hutchinson_trace = ffjord.trace_jacobian_hutchinson
