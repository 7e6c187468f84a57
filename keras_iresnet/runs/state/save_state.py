"""Saves the whole state of a run between two steps, and goes on from there as if nothing had happened."""

import contextlib
import csv
import io
import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_iresnet.models.files.replacing import replacing
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.schedule import Budget
from keras_iresnet.runs.state import snapshot
from keras_iresnet.runs.state.broken_layer import not_finite
from keras_iresnet.runs.state.checkpoints import SaveBest, Timer
from keras_iresnet.runs.state.resume import differing
from keras_iresnet.runs.state.state_file import StateRefusedError, read_state, write_state


class TerminatedError(RuntimeError):
    """The system (SIGTERM) or the user (Ctrl-C) asked the process to end, and the run's state has been saved.

    Args:
        saved: what has ended and what is saved, a sentence.
        number: of the signal.
        further: how it goes on, a sentence; none where there is nothing to say.

    Attributes:
        saved: likewise.
        signal: number of the signal.
    """

    def __init__(self, saved: str, number: int = signal.SIGTERM, further: str = "") -> None:
        super().__init__(f"{saved} {further}".strip())
        self.saved, self.signal = saved, number


class Position(NamedTuple):
    """Where a run stands, between two steps.

    Attributes:
        epoch: the epoch, from 0.
        step: steps taken in it.
        seconds: of training.
        finished: whether nothing is left to train.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    finished: bool = False


class SaveState(keras.callbacks.Callback):
    """Saves a run's state at its first step, whenever its `Timer` is due, at its end and when SIGTERM asks for it.

    A state is taken before a step: what an epoch's end does to the weights, the best and the history is then over, and
    the data that follow are known by epoch and step. Place it after what may stop the training.

    Args:
        run: the `RunFolder`, or `None` to write nothing.
        settings: what the run must be to go on from its states, its `identity`.
        budget: its `Budget`.
        best: its `SaveBest`.
        steps_per_epoch: steps of an epoch.

    Attributes:
        start: the `Position` that the training begins at, the same for all workers.
    """

    def __init__(
        self, run: RunFolder | None, settings: dict, budget: Budget, best: SaveBest, steps_per_epoch: int
    ) -> None:
        super().__init__()
        self.run, self.settings, self.budget, self.best = run, settings, budget, best
        self.steps_per_epoch = steps_per_epoch
        self.start = Position()
        self._epoch = self._step = 0
        self._arrays: dict[str, np.ndarray] | None = None
        self._ended_epoch = False
        self._terminated = 0  # number of the signal
        self._timer = Timer()

    def restore(self, model: keras.Model, report: Callable[[str], None]) -> Position | None:
        """Put the latest good state into a model and into `best`; `None` where the run has none yet.

        Args:
            model: like the one that was saved, built and compiled.
            report: called with a line about each state that was refused.

        Raises:
            ValueError: there are states, and every one was refused, now or before.
            OSError: one cannot be read.
        """
        if self.run is None:
            return None
        refused = []
        for path in self.run.states():
            try:
                position = self._restore(model, *read_state(path))
            except StateRefusedError as error:
                refused.append(f"{path.name}: {error}")
                report(f"Refused {refused[-1]}; it is now {path.name}.refused")
                path.rename(path.with_name(path.name + ".refused"))
            else:
                self.run.keep_latest_states()
                _cut_history(self.run.history, position.epoch)
                return position
        if refused := refused or [path.name for path in self.run.refused_states()]:
            raise ValueError(
                "A run goes on from a whole state of its own, and this one has none left: start another in a new "
                f"folder. Received: {'; '.join(refused)}"
            )
        return None

    def _restore(self, model, arrays, facts):
        if found := differing(self.settings, facts["settings"]):
            raise StateRefusedError(f"it is the state of a run with other settings: {'; '.join(found)}")
        arrays = snapshot.of_today(model, arrays)
        best = [arrays.pop(name) for name in sorted(arrays) if name.startswith("best/")]
        snapshot.put(model, arrays)
        if facts["best_epoch"] is not None:
            self.best.restore(facts["best_value"], facts["best_epoch"], best)
        self.start, self._arrays = Position(**facts["position"]), arrays
        return self.start

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._epoch, self._ended_epoch = epoch, False
        self._step = self.start.step if epoch == self.start.epoch else 0

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        if self._arrays is not None:  # once more: Keras has just set the sums of the epoch's metrics to zero
            snapshot.put(self.model, self._arrays)
            self._arrays = None
        elif self._terminated or self._timer.due or self._first:
            self._save(Position(self._epoch, self._step, self.budget.elapsed))
        if self._terminated:
            raise self._farewell()

    @property
    def _first(self):
        """Whether nothing was done yet: a folder that cannot take a state is to be known before the work."""
        return self._epoch == self._step == 0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._step += 1
        if self._step == self.steps_per_epoch and not self.model.stop_training:
            # Keras would give the epoch that a resumed run begins with all its steps.
            self.model.stop_training = self._ended_epoch = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        if self._ended_epoch:
            self.model.stop_training = False

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        if self.best.epoch is not None:
            self._save(Position(self._epoch + 1, 0, self.budget.elapsed, finished=True))

    def _save(self, position):
        if self.run is None:
            return
        if broken := not_finite(self.model.trainable_weights):  # what is saved is what training can go on from
            raise FloatingPointError(
                f"The weights must stay finite; those of {broken[0]} are not after step {self._steps}. "
                "Try a lower `learning_rate`, or gradients clipped by `clip_norm`."
            )
        facts = {"settings": self.settings, "position": position._asdict()}
        facts |= {"best_value": self.best.value, "best_epoch": self.best.epoch}
        best = {f"best/{i:04d}": array for i, array in enumerate(self.best.weights or [])}
        with self._timer.measured():
            write_state(self.run.state(self._steps), snapshot.take(self.model) | best, facts)
            self.run.keep_latest_states()

    @property
    def _steps(self):
        return self._epoch * self.steps_per_epoch + self._step

    def _farewell(self):
        what = "Ctrl-C" if self._terminated == signal.SIGINT else "SIGTERM"
        if self.run is None:
            return TerminatedError(
                f"{what} ended this worker; the chief's folder has the run's state.", self._terminated
            )
        return TerminatedError(
            f"{what} ended the run; its state after {self._steps:,} steps is saved.",
            self._terminated,
            f"It goes on with: {shlex.join(['keras-iresnet', 'train', '--resume', str(self.run.path)])}",
        )

    @contextlib.contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Let SIGTERM or Ctrl-C end the training after the step in progress; in the main thread, where signals arrive.

        A second Ctrl-C leaves at once, as it does elsewhere.

        Raises:
            TerminatedError: it came, be it in the last step or what follows; all is saved.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._terminate) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self._terminated:  # after the last step began
            raise self._farewell()

    def _terminate(self, number, _):
        if self._terminated and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._terminated = number


def _cut_history(path, epochs):
    """Leave the rows of the first epochs: what comes after them will come again."""
    if not path.is_file():
        return
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    if not rows:
        return
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0].keys())
    writer.writeheader()
    writer.writerows(row for row in rows if int(row["epoch"]) < epochs)
    with replacing(path) as temporary:
        temporary.write_text(text.getvalue())
