"""What a map is, and what it gives at a point: its value, and the products with its Jacobian there."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import tensorflow as tf


class Linearization(NamedTuple):
    """A map's value at a point and the products with its Jacobian there."""

    value: tf.Tensor
    jvp: Callable[[tf.Tensor], tf.Tensor]
    vjp: Callable[[tf.Tensor], tf.Tensor]


class Map(Protocol):
    """What the classes of this folder have in common; see its head."""

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, *event)."""

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x."""


def tiled(x: tf.Tensor, probes: int) -> tf.Tensor:
    """The same for each of several tangents an example; several times faster than `tf.tile` on a CPU."""
    return x if probes == 1 else tf.concat([x] * probes, 0)
