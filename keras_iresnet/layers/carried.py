"""What a pass through the layers carries: one small object, handed from each layer to those inside it."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_iresnet.layers.seeds import split_seed
from keras_iresnet.ops.log_det import LogDetEstimator


@dataclasses.dataclass(frozen=True, eq=False)
class Carried:
    """How a pass is meant, the same for all layers but for the seed, of which each has its own.

    Args:
        seed: (2,) int32 tensor that what is random in a log-determinant is drawn from; `None` where nothing is.
        training: whether power iterations advance.
        log_det: whether the log-determinant is asked for; a layer may leave it out (return 0) where it is not.
        estimator: replaces that of every residual block.
        condition: (batch, condition_size) that conditional branches depend on.
        kernels: spectral layer -> its normalised kernel, of those that were normalised together beforehand.
        recompute: whether the backward pass works out norms once more rather than keep what they are made of.
        precise: whether branches compute in the stream's dtype in training too, as fixed points need, and all steps of
            an inverse, the first ones too.
        initialize: whether layers set what depends on data, from what reaches them, before they use it.
        tolerance: relative residual at which inverses stop, in the place of the blocks' own.
        points: of a pass that initialises, whether the data are points, whose unit is anybody's choice.

    Example:
    >>> from keras_iresnet.layers import Carried
    >>> carried = Carried(training=True)
    >>> carried.training, carried.split(2)[0].training, carried.seed
    (True, True, None)
    """

    seed: tf.Tensor | None = None
    training: bool = False
    log_det: bool = True
    estimator: LogDetEstimator | None = None
    condition: tf.Tensor | None = None
    kernels: Mapping[Any, tf.Tensor] = dataclasses.field(default_factory=lambda: types.MappingProxyType({}))
    recompute: bool = False
    precise: bool = False
    tolerance: float | None = None
    initialize: bool = False
    points: bool = False

    def split(self, count: int) -> list["Carried"]:
        """The same for each of `count` layers, with independent seeds."""
        return [dataclasses.replace(self, seed=seed) for seed in split_seed(self.seed, count)]

    def with_noise(self, seed: tf.Tensor | None, condition: tf.Tensor | None) -> "Carried":
        """The same for layers beside the others, with a seed and a condition of their own."""
        return dataclasses.replace(self, seed=seed, condition=condition)

    def rows(self, start: tf.Tensor | int, stop: tf.Tensor | int) -> "Carried":
        """The same for some examples of the batch."""
        return self if self.condition is None else dataclasses.replace(self, condition=self.condition[start:stop])


EVALUATION = Carried()
