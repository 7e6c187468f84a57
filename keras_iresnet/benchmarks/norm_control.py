"""What it takes to hold the norms of layers: power iterations in each training step, and after the last."""

import dataclasses
import math
import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet import data, zoo
from keras_iresnet.evaluation.layer_norms import ALLOWED, layer_norms
from keras_iresnet.layers.spectral.spectral_layer import advance_power_iterations, converge_power_iterations
from keras_iresnet.runs.recipe_optimizer import make_optimizer
from keras_iresnet.runs.schedule import learning_rate

CHECKS = 10  # how often in a training the norms are looked at
MORE = 50  # steps whose power iterations a training may end with, the weights at rest


@dataclasses.dataclass(frozen=True)
class Held:
    """How far the norms of a trained classifier's layers stand above `coeff` under one way to normalise.

    Attributes:
        power_iterations: of each training step.
        ending: what followed the last step: `"nothing"`, `"50 more"`, the power iterations of as many steps, or
            `"converged"`.
        largest: largest norm of a layer, by SVD, in units of `coeff`.
        above: layers above 1.01 `coeff`.
        layers: how many there are.
        ending_seconds: what the ending took, traced before.
    """

    power_iterations: int
    ending: str
    largest: float
    above: int
    layers: int
    ending_seconds: float

    @property
    def holds(self) -> bool:
        """Whether every layer is at or below 1.01 `coeff`."""
        return self.above == 0


@dataclasses.dataclass(frozen=True)
class Normalization:
    """The norms of one training.

    Attributes:
        largest_on_the_way: largest norm in units of `coeff`, by SVD, at ten steps of the training, nothing converged.
        held: a `Held` for each ending.
    """

    largest_on_the_way: tuple[float, ...]
    held: tuple[Held, ...]


def train_normalized(
    name: str = "digits_classifier",
    *,
    power_iterations: int = 1,
    steps: int = 1000,
    keywords: Mapping[str, Any] | None = None,
    data_dir: str | os.PathLike | None = None,
) -> Normalization:
    """Train a classifier of the zoo without ever converging its norms, then end that in several ways.

    It is trained by its recipe, for `steps` steps, but one by one: `fit` converges the norms before each validation.

    Args:
        name: of the classifier.
        power_iterations: of each step.
        steps: how many.
        keywords: of its builder.
        data_dir: TFDS data directory.

    Raises:
        FloatingPointError: the loss became infinite or NaN.

    Example:
    >>> from keras_iresnet.benchmarks.norm_control import train_normalized
    >>> found = train_normalized(steps=10, keywords={"blocks": (1,), "channels": 4, "strides": (1,)})
    >>> [held.ending for held in found.held], found.held[-1].holds
    (['nothing', '50 more', 'converged'], True)
    """
    entry = zoo.get(name)
    model = entry.builder(seed=0, power_iterations=power_iterations, **(keywords or {}))
    largest = _train(model, entry.recipe, steps, data_dir)
    held = tuple(Held(power_iterations, label, *_ended(model, end)) for label, end in _endings(model).items())
    return Normalization(largest, held)


def _train(model, recipe, steps, data_dir):
    """Largest norm over `coeff` at `CHECKS` steps of a training."""
    split = data.load(recipe.dataset, data_dir=data_dir, labels=True).train
    stream = data.Stream(split, recipe.batch_size, seed=recipe.seed, augmentation=recipe.augmentation)
    model.compile(make_optimizer(recipe, model))
    largest = []
    for step, (images, labels) in enumerate(stream.at().take(steps)):
        if step == 0:
            model.initialize(images)
        model.optimizer.learning_rate = learning_rate(recipe, step, step / steps, stream.steps_per_epoch)
        loss = float(model.train_on_batch(images, labels)[0])
        if not math.isfinite(loss):
            raise FloatingPointError(f"The loss must stay finite. Received: loss={loss} at step {step + 1}")
        if (step + 1) % max(1, steps // CHECKS) == 0:
            largest.append(float(_shares(model).max()))
    return tuple(largest)


def _endings(model):
    advance = tf.function(lambda: advance_power_iterations(model), autograph=False)

    def more():
        for _ in range(MORE):
            advance()

    return {"nothing": lambda: None, f"{MORE} more": more, "converged": lambda: converge_power_iterations(model)}


def _ended(model, end):
    """The fields of a `Held` after an ending, which is undone."""
    trained = model.get_weights()
    end()  # traces
    model.set_weights(trained)
    begin = time.perf_counter()
    end()
    seconds, shares = time.perf_counter() - begin, _shares(model)
    model.set_weights(trained)
    return float(shares.max()), int((shares > ALLOWED).sum()), len(shares), seconds


def _shares(model):
    """Norm over `coeff` of every layer."""
    return np.array([norm.norm / norm.coeff for norm in layer_norms(model) if norm.coeff is not None])
