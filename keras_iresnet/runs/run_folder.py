"""The folder of one training run: its settings, its history, its checkpoints and what it reached."""

import contextlib
import datetime
import json
import os
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

import filelock
import keras
import tensorflow as tf

from keras_iresnet.models.files.model_file import load_checkpoint
from keras_iresnet.models.files.preset import METADATA, MODEL, load_preset, released_folder, released_names
from keras_iresnet.models.files.replacing import reason_of, replacing, tidy_away
from keras_iresnet.runs.state.json_file import read_fields, read_settings, with_digest

CONFIG = "config.json"
STATES_KEPT = 2  # the last one, and the one before it, should the last be damaged


class RunFolder:
    """Paths of a run folder, and the ways to make, open and write it.

        config.json    what was run: settings, versions, commit, command, machine
        history.csv    losses by epoch            metrics.json   what it reached
        best.keras     the checkpoint to use      last.*.state   the latest states of training, by step
        samples.png    a picture of samples       tensorboard/   the same history for TensorBoard

    A preset that was made of a run stands for it, to be read: it has config.json too, and model.keras in the place of
    best.keras.

    Args:
        path: the folder.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = pathlib.Path(path)
        self.is_preset = (self.path / METADATA).is_file()
        self.config = self.path / CONFIG
        self.history = self.path / "history.csv"
        self.metrics = self.path / "metrics.json"
        self.best = self.path / (MODEL if self.is_preset else "best.keras")
        self.samples = self.path / "samples.png"
        self.tensorboard = self.path / "tensorboard"
        self._lock = self.path / ".lock"
        self._made = False

    @classmethod
    def create(cls, path: str | os.PathLike) -> "RunFolder":
        """A new run's folder, empty and writable.

        Raises:
            OSError: the folder cannot be made or written.
            ValueError: it holds a run, or anything else.
        """
        run = cls(path)
        run._made = not run.path.exists()
        try:
            run.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=run.path):
                pass
        except OSError as error:
            raise OSError(
                f"`out` must be a folder that can be written. Received: out={str(path)!r} ({error})"
            ) from error
        held = sorted(entry.name for entry in {*run.path.iterdir()} - {run._lock, *run._half_written()})
        if held:
            raise ValueError(
                f"`out` must be a new or an empty folder; this one holds {run._describe(held)}. "
                f"Choose another folder, or delete this one. Received: out={str(path)!r}"
            )
        return run

    @classmethod
    def open(cls, path: str | os.PathLike) -> "RunFolder":
        """The folder of a run that has a checkpoint, a preset of one, or a released model by its name.

        Raises:
            ValueError: it is none of them, or has no checkpoint yet.
        """
        run = cls(path)
        if not run.config.is_file() and os.fspath(path) in released_names():
            run = cls(released_folder(path))
        missing = [file.name for file in (run.config, run.best) if not file.is_file()]
        if missing:
            raise ValueError(
                "`run` must be a run folder, as `keras-iresnet train` makes them, a preset that `keras-iresnet "
                f"release` made of one, or one of the released models ({', '.join(released_names())}); "
                f"this one has no {' and no '.join(missing)}. Received: run={str(path)!r}"
            )
        return run

    @property
    def outputs(self) -> pathlib.Path:
        """Where commands write what they make of it: presets stay as they are, and have a folder of their name here."""
        return pathlib.Path(self.path.name) if self.is_preset else self.path

    @property
    def begun(self) -> bool:
        """Whether a run has begun here."""
        return not self.is_preset and self.config.is_file()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training in the folder; the system lifts the lock of one that dies.

        Raises:
            OSError: the folder cannot be written.
            ValueError: another one does.
        """
        lock = filelock.FileLock(self._lock, timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise ValueError(
                f"The run folder must be free; another process trains in it. Received: {str(self.path)!r}"
            ) from error
        except OSError as error:
            raise OSError(f"{self._lock} could not be written: {reason_of(error)}") from error
        try:
            yield
        finally:
            tidy_away(self._lock)
            lock.release()

    @contextlib.contextmanager
    def gone_if_refused(self) -> Iterator[None]:
        """Around all of a training: a folder that was made for one that was refused, and never began, goes again."""
        try:
            yield
        except BaseException:
            if self._made and not self.begun:
                tidy_away(self._lock)
                with contextlib.suppress(OSError):
                    self.path.rmdir()
            raise

    @contextlib.contextmanager
    def naming_faults(self) -> Iterator[None]:
        """Around what libraries write into the folder, in words of their own or none.

        Raises:
            OSError: something cannot be written; the message names it.
        """
        try:
            yield
        except OSError as error:
            if str(self.path) in str(error):
                raise
            raise OSError(f"A file in {self.path} could not be written: {reason_of(error)}") from error
        except tf.errors.OpError as error:
            if str(self.path) not in error.message:
                raise
            raise OSError(f"A file in {self.path} could not be written: {reason_of(error)}") from error

    def states(self) -> list[pathlib.Path]:
        """Files of the latest states of training, the newest first."""
        return sorted(self.path.glob("last.*.state"), reverse=True)

    def refused_states(self) -> list[pathlib.Path]:
        """Files that were no whole states of this run, and were renamed for it."""
        return sorted(self.path.glob("last.*.state.refused"), reverse=True)

    def state(self, steps: int) -> pathlib.Path:
        """File of the state after so many steps."""
        return self.path / f"last.{steps:09d}.state"

    def keep_latest_states(self) -> None:
        """Delete all states but the latest, and what a process that was killed left half written."""
        for file in [*self.states()[STATES_KEPT:], *self._half_written()]:
            file.unlink(missing_ok=True)

    def _half_written(self):
        """What processes that were killed left of files; see `replacing`."""
        return self.path.glob(".*.part*")

    def read_config(self, *more: str) -> dict:
        """What was run: at least the name of the model, the recipe and the builder's keywords, and fields of `more`.

        Raises:
            ValueError: config.json is damaged, or lacks one of them.
        """
        return read_settings(self.config, more)

    def read_metrics(self) -> dict:
        """What the run reached, or `{}` before it ended; of a preset too: its metrics.json is that of its card."""
        return read_fields(self.metrics) if self.metrics.is_file() and not self.is_preset else {}

    def load_best(self) -> Any:
        """The model of the best checkpoint, to use rather than to train on.

        Raises:
            ValueError: it is damaged, see `load_checkpoint`, or another than config.json says.
        """
        from keras_iresnet.runs.kind import check_kind  # which knows this file

        model = load_preset(self.path) if self.is_preset else load_checkpoint(self.best)
        if self.config.is_file():
            check_kind(model, self)
        return model

    def write_json(self, path: str | os.PathLike, content: Any) -> None:
        """Write `content` so that a reader sees the old file or the new one, never half of it.

        Settings, which states are compared with, get a checksum.
        """
        if pathlib.Path(path) == self.config:
            content = with_digest(content)
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")

    def save(self, path: str | os.PathLike, model: keras.Model) -> None:
        """Write a checkpoint so that an interruption leaves the old one whole."""
        with replacing(path) as temporary:
            model.save(temporary)

    def _describe(self, held):
        if not self.config.is_file():
            return ", ".join(held[:5]) + (f" and {len(held) - 5} more" if len(held) > 5 else "")
        try:
            config = self.read_config("started")
            return f"a run of {config['name']} started {config['started']}"
        except ValueError:
            return "a run with an unreadable config.json"


def default_path(name: str) -> pathlib.Path:
    """`runs/NAME-<date-time>` under the working directory."""
    return pathlib.Path("runs") / f"{name}-{datetime.datetime.now():%Y%m%d-%H%M%S}"
