"""The best weights of a run, the averages that they may be, and when a file is due."""

import contextlib
import math
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_iresnet.borrowed.keras_names import wrap_averaging
from keras_iresnet.models.convergence import take_as_converged
from keras_iresnet.runs.run_folder import RunFolder

SECONDS_BETWEEN = 60  # between two writes: one of many small layers takes seconds, an epoch of small data may take less
SHARE_OF_TIME = 0.02  # which writing may not exceed


class SaveBest(keras.callbacks.Callback):
    """Keeps the weights with the best validation, the latest of equals: in memory, in the model at the end, in a file.

    The file is written at the ends of epochs where its `Timer` is due, and when training ends. Place the callback after
    `UseAverages`.

    Args:
        run: the `RunFolder`, or `None` to write nothing.
        monitor: the log that is to be small.

    Attributes:
        value: the best validation so far.
        epoch: the epoch that it was reached in, from 1, or `None`.
        weights: the weights of then, as the model's `get_weights` gives them.
    """

    def __init__(self, run: RunFolder | None, monitor: str) -> None:
        super().__init__()
        self.run = run
        self.monitor = monitor
        self.value = math.inf
        self.epoch: int | None = None
        self.weights: list[np.ndarray] | None = None
        self._written = True
        self._timer = Timer()

    def restore(self, value: float, epoch: int, weights: list[np.ndarray]) -> None:
        """Go on from what an earlier process found."""
        self.value, self.epoch, self.weights, self._written = value, epoch, weights, False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:  # noqa: D102
        value = float(logs[self.monitor])
        # Errors of few images tie often, and of two epochs that tie the later has learned longer.
        if math.isfinite(value) and value <= self.value:
            self.restore(value, epoch + 1, self.model.get_weights())
        if not self._written and self._timer.due:
            current = self.model.get_weights()
            with self._timer.measured():
                self._write()
            self._put(current)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        if self.epoch is None:
            last = (logs or {}).get(self.monitor)
            raise FloatingPointError(
                f"The validation loss must be finite after some epoch. Received: {self.monitor}={last}"
            )
        self._write()

    def _put(self, weights):
        self.model.set_weights(weights)
        take_as_converged(self.model)  # as they were when they were taken

    def _write(self):
        self._put(self.weights)
        if self.run is not None and not self._written:
            self.run.save(self.run.best, self.model)
            self._written = True


class UseAverages(keras.callbacks.SwapEMAWeights):
    """Puts the optimizer's averages in the weights' place for validation and for what follows at an epoch's end.

    The average's momentum rises to the optimizer's `ema_momentum` as min(ema_momentum, (1 + t) / (10 + t)) with the
    step t: Keras starts the average at the weights after the first step and never corrects for that, so that at a
    momentum of 0.999 they would still be 60 % of it after 500 steps.
    """

    def __init__(self) -> None:
        super().__init__(swap_on_epoch=True)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        _let_momentum_rise(getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer))


def _let_momentum_rise(optimizer):
    """Make a Keras optimizer's average young where the run is, however a checkpoint brought the optimizer back."""

    def with_rising_momentum(update):
        limit, step = optimizer.ema_momentum, keras.ops.cast(optimizer.iterations, "float32")
        optimizer.ema_momentum = keras.ops.minimum(limit, (1 + step) / (10 + step))
        try:
            update()
        finally:
            optimizer.ema_momentum = limit

    wrap_averaging(optimizer, with_rising_momentum)


class Timer:
    """Whether a write is due: `SECONDS_BETWEEN` after the last, and later where writing takes long."""

    def __init__(self) -> None:
        self._next = time.monotonic() + SECONDS_BETWEEN

    @property
    def due(self) -> bool:
        """Whether to write now."""
        return time.monotonic() >= self._next

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """Around a write: the next one comes the later, the longer this one takes."""
        started = time.monotonic()
        yield
        now = time.monotonic()
        self._next = now + max(SECONDS_BETWEEN, (now - started) / SHARE_OF_TIME)
