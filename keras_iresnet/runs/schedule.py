"""How far a run is, by steps or by the clock, and the learning rate that follows from it."""

import math
import time
from collections.abc import Callable
from typing import Any

import keras

from keras_iresnet.borrowed.keras_names import steps_of
from keras_iresnet.zoo.recipe import Recipe


class Budget:
    """A run's steps and, where given, its minutes: it ends at whichever comes first.

    Args:
        total_steps: steps of the whole run, infinite where the clock alone ends it.
        minutes: limit of the time from `start`, or `None`.
        clock: seconds, as `time.monotonic` counts them.

    Attributes:
        spent: seconds that went by before `start`, in processes that this one goes on from.
    """

    def __init__(
        self, total_steps: float, minutes: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if minutes is not None and not 0 < minutes < math.inf:
            raise ValueError(f"`minutes` must be positive and finite, or none. Received: minutes={minutes}")
        self.total_steps = total_steps
        self.minutes = minutes
        self.spent = 0.0
        self._clock = clock
        self._started: float | None = None

    def start(self) -> None:
        """Let the time run."""
        self._started = self._clock()

    @property
    def elapsed(self) -> float:
        """Seconds of training so far."""
        return self.spent + (0.0 if self._started is None else self._clock() - self._started)

    def fraction(self, step: int) -> float:
        """The share of the run that is over after `step` steps, in [0, 1]."""
        by_time = self.elapsed / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(step / self.total_steps, by_time))


def total_steps(recipe: Recipe, steps_per_epoch: int) -> float:
    """Steps of a run that no clock ends before: infinite where only the clock ends it.

    Example:
    >>> import dataclasses
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.runs.schedule import total_steps
    >>> recipe = dataclasses.replace(ki.zoo.get("toy_flow").recipe, epochs=3, steps=50)
    >>> total_steps(recipe, 10), total_steps(recipe, 100)
    (30, 50)
    """
    by_epochs = math.inf if recipe.epochs is None else recipe.epochs * steps_per_epoch
    return min(by_epochs, math.inf if recipe.steps is None else recipe.steps)


def learning_rate(recipe: Recipe, step: int, fraction: float, steps_per_epoch: int) -> float:
    """The rate of step `step` (from 0), a `fraction` of the run being over.

    Warm-up is linear in steps. Cosine decay, rate * (1 + cos(pi fraction)) / 2, and drops at given epochs follow the
    run's progress rather than a step count, so that a run bounded by the clock decays fully too.
    """
    warmup_steps = recipe.warmup_steps + round(recipe.warmup_epochs * steps_per_epoch)
    warmup = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
    return recipe.learning_rate * warmup * _decay(recipe, step, fraction, steps_per_epoch)


def _decay(recipe, step, fraction, steps_per_epoch):
    if recipe.decay == "cosine":
        return (1 + math.cos(math.pi * fraction)) / 2
    if recipe.decay == "drop":
        # Both agree in a run that lasts as many epochs as the recipe says; in one that ends sooner the second leads.
        epoch = max(step / steps_per_epoch, fraction * (recipe.epochs or 0))
        return recipe.drop_factor ** sum(epoch >= drop for drop in recipe.drop_epochs)
    return 1.0


def steps_taken(model: keras.Model) -> int:
    """Steps that a compiled model has taken, on one device or many; `iterations` counts updates of its weights."""
    return int(keras.ops.convert_to_numpy(steps_of(model.optimizer)))


class Pace(keras.callbacks.Callback):
    """Sets the learning rate of every step, and ends the run when its budget is spent or its loss not finite.

    Args:
        recipe: the run's recipe.
        budget: its budget; started with the training.
    """

    def __init__(self, recipe: Recipe, budget: Budget) -> None:
        super().__init__()
        self.recipe = recipe
        self.budget = budget
        self.step = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self.step = steps_taken(self.model)
        self.budget.start()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        rate = learning_rate(self.recipe, self.step, self.budget.fraction(self.step), self.params["steps"])
        self.model.optimizer.learning_rate = rate

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:  # noqa: D102
        self.step += 1
        if not math.isfinite(float(logs["loss"])):
            raise FloatingPointError(
                f"The loss must stay finite; it became {float(logs['loss'])} at step {self.step}. "
                "Try a lower `learning_rate`, or gradients clipped by `clip_norm`."
            )
        if self.budget.fraction(self.step) >= 1:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:  # noqa: D102
        logs["steps"] = self.step
        logs["seconds"] = round(self.budget.elapsed, 2)
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
