"""What a user sees while a model trains: one bar over the whole run, or a line an epoch where there is no terminal."""

import math
import time
from typing import Any

import keras
import rich.console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from keras_iresnet.runs.schedule import Budget, steps_taken

SECONDS_BETWEEN = 0.1  # two changes of the bar: a small model takes a thousand steps a second
UNITS = {"bits_per_dim": "bits/dim", "nats": "nats", "error_percent": "% error", "loss": "loss"}


def console(shown: bool = True) -> rich.console.Console:
    """Where progress goes: standard error, so that standard output holds results alone; nowhere if not `shown`."""
    return rich.console.Console(stderr=True, quiet=not shown, highlight=False, soft_wrap=True)


class ProgressBar(keras.callbacks.Callback):
    """Shows epoch, training and validation metric, elapsed and remaining time.

    Args:
        budget: the run's `Budget`, whose fraction the bar shows.
        metric: log to show, one of `UNITS`; its validation value is `"val_" + metric`.
        console: the console to write to.
    """

    def __init__(self, budget: Budget, metric: str, console: rich.console.Console) -> None:
        super().__init__()
        self.budget = budget
        self.metric = metric
        self.console = console
        self._step = 0
        self._validation = ""
        self._bar: Progress | None = None
        self._shown = -math.inf

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._step = steps_taken(self.model)
        self.console.print("Tracing the training step (the first step takes longest) ...")
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
            times = (TimeElapsedColumn(), TextColumn("elapsed,"), TimeRemainingColumn(), TextColumn("left"))
            self._bar = Progress(*columns, *times, console=self.console, refresh_per_second=4)
            self._task = self._bar.add_task("tracing", total=1.0)
            self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        # A run that the clock alone ends has no number of epochs to tell.
        of = "" if math.isinf(self.budget.total_steps) else f"/{self.params['epochs']}"
        self._epoch = f"epoch {epoch + 1}{of}"

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:  # noqa: D102
        self._step += 1
        if self._bar and time.monotonic() - self._shown >= SECONDS_BETWEEN:
            self._shown = time.monotonic()
            self._move(self._bar, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:  # noqa: D102
        self._validation = f", validation {logs['val_' + self.metric]:.3f}"
        if self._bar:
            self._move(self._bar, logs)
            return
        fraction, elapsed = self.budget.fraction(self._step), self.budget.elapsed
        left = elapsed * (1 / fraction - 1)
        self.console.print(f"{self._text(logs)}  {duration(elapsed)} elapsed, {duration(left)} left")

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self.stop()

    def _move(self, bar, logs):
        bar.update(self._task, completed=self.budget.fraction(self._step), description=self._text(logs))

    def _text(self, logs):
        return f"{self._epoch}  {float(logs[self.metric]):.3f} {UNITS[self.metric]}{self._validation}"

    def stop(self) -> None:
        """Take the bar down, also after training broke off; harmless where there is none."""
        if self._bar:
            self._bar.stop()
            self._bar = None


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss.

    Example:
    >>> from keras_iresnet.runs.progress import duration
    >>> duration(3725.4)
    '1:02:05'
    """
    seconds = round(seconds)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
