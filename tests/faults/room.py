"""The room of faults: small runs that are trained once and copied for each fault, and ways to run the real commands."""

import contextlib
import dataclasses
import functools
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

import keras
import numpy as np
import small_flows
from click.testing import CliRunner
from fault import Outcome

import keras_iresnet as ki
from keras_iresnet.runs import RunFolder, train
from keras_iresnet.runs.state import checkpoints
from keras_iresnet.runs.state.state_file import read_state
from keras_iresnet_cli import cli

HELPERS = pathlib.Path(__file__).parents[1] / "helpers"
POINTS = {"blocks": 1, "units": (8,), "epochs": 2, "steps_per_epoch": 3, "batch_size": 32}
WORDS = ["--blocks", "1", "--units", "8", "--epochs", "2", "--steps-per-epoch", "3", "--batch-size", "32"]


class Room:
    """A folder for faults.

    Args:
        folder: where runs are made; its own.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def new(self, name: str = "case") -> pathlib.Path:
        """A folder of a name of its own, empty."""
        return pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    @functools.cached_property
    def trained(self) -> RunFolder:
        """A run of points that has ended, with a state a step; never to be touched."""
        path = self.folder / "trained"
        with saving_each_step():
            train("toy_flow", path, overrides=POINTS, progress=False)
        return RunFolder(path)

    def run(self, *, ended: bool = True) -> RunFolder:
        """A copy of the run of points, with the states of its last two steps; one that has not ended has no figures."""
        run = RunFolder(shutil.copytree(self.trained.path, self.new() / "run"))
        if not ended:
            run.metrics.unlink()
        return run

    @functools.cached_property
    def sweep(self):
        """Runs that may be killed, with a server of their own."""
        from sweep import Sweep  # which knows this file

        return Sweep(self.new("sweep"))

    @functools.cached_property
    def samples(self) -> np.ndarray:
        """What the run of points draws when nothing is wrong."""
        drawn = self.sampled(self.run())
        assert drawn.unharmed is False
        assert drawn.status == 0, drawn.text
        return np.load(self.last_samples)

    def sampled(self, run: RunFolder) -> Outcome:
        """How `sample` ends on a run."""
        self.last_samples = run.path / "drawn.npy"
        return self.command("sample", run.path, "--n", "4", "--out", self.last_samples)

    def sampled_as_ever(self, run: RunFolder) -> Outcome:
        """`sampled`, which is unharmed where the samples are those of the run that nothing was done to."""
        expected, outcome = self.samples, self.sampled(run)
        same = outcome.status == 0 and np.array_equal(np.load(run.path / "drawn.npy"), expected)
        return dataclasses.replace(outcome, unharmed=same)

    def as_trained(self, run: RunFolder, outcome: Outcome) -> Outcome:
        """The outcome of a training, unharmed where the run ended as the one that nothing was done to."""
        if outcome.status == 0:
            assert_same_state(run.states()[0], self.trained.states()[0])
            assert run.read_metrics()["steps"] == self.trained.read_metrics()["steps"]
        return dataclasses.replace(outcome, unharmed=outcome.status == 0)

    @functools.cached_property
    def preset(self) -> pathlib.Path:
        """A preset; never to be touched."""
        self.model().save_to_preset(self.folder / "preset")
        return self.folder / "preset"

    @functools.cached_property
    def weights(self) -> pathlib.Path:
        """A file of weights; never to be touched."""
        path = self.folder / "kept.weights.h5"
        self.model().save_weights(path)
        return path

    @functools.cached_property
    def loading(self) -> ki.Flow:
        """The flow that files of weights are loaded into, which are those that it has."""
        return self.model()

    def model(self) -> ki.Flow:
        """A flow of points, the same each time."""
        keras.utils.set_random_seed(1)
        return small_flows.point_flow(seed=1)

    def same_model(self, load) -> Outcome:
        """How a call ends that loads `model`, unharmed where it is that."""
        found = []
        outcome = self.called(lambda: found.append(load()))
        if outcome.status == 0:
            pairs = zip(found[0].get_weights(), self.model().get_weights(), strict=True)
            same = all(np.array_equal(ours, theirs) for ours, theirs in pairs)
            outcome = dataclasses.replace(outcome, unharmed=same)
        return outcome

    def command(self, *words: object) -> Outcome:
        """How `keras-iresnet WORDS` ends, in this process."""
        result = CliRunner().invoke(cli, [str(word) for word in words])
        text = result.output
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            text += "".join(traceback.format_exception(result.exception))
        return Outcome(result.exit_code, text)

    def called(self, function, *arguments, **options) -> Outcome:
        """How a call in Python ends; what is raised for users counts as a status of 1 and a message."""
        try:
            function(*arguments, **options)
        except (ValueError, OSError, FloatingPointError, MemoryError) as error:
            return Outcome(1, f"Error: {error}")
        except Exception as error:
            return Outcome(1, "".join(traceback.format_exception(error)))
        return Outcome(0, "")

    def process(self, *words: object, timeout: float = 600, **environment: str) -> Outcome:
        """How `python WORDS` ends, in a process of its own."""
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            capture_output=True, text=True, timeout=timeout, env=surroundings(environment),
        )  # fmt: skip
        return Outcome(done.returncode, done.stdout + done.stderr)


def assert_same_state(path: pathlib.Path, expected: pathlib.Path) -> None:
    """Refuse a state that is not another to the bit, but for the clock.

    Raises:
        AssertionError: it is not.
    """
    (arrays, facts), (known, known_facts) = read_state(path), read_state(expected)
    assert arrays.keys() == known.keys()
    for name, array in known.items():
        np.testing.assert_array_equal(arrays[name], array, strict=True, err_msg=name)
    for one in (facts, known_facts):
        del one["position"]["seconds"]
    assert facts == known_facts


def surroundings(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a process of the suite."""
    return os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"} | environment


@contextlib.contextmanager
def saving_each_step():
    """Let every step's state be written."""
    before = checkpoints.SECONDS_BETWEEN, checkpoints.SHARE_OF_TIME
    checkpoints.SECONDS_BETWEEN, checkpoints.SHARE_OF_TIME = 0, float("inf")
    try:
        yield
    finally:
        checkpoints.SECONDS_BETWEEN, checkpoints.SHARE_OF_TIME = before


def digests(folder: pathlib.Path) -> dict[str, str]:
    """Name -> digest of all files of a folder, but those that a command writes anew."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (".lock", "drawn.npy")
    }


@contextlib.contextmanager
def untouched(folder: pathlib.Path):
    """Around what must leave every file of a folder as it is.

    Raises:
        AssertionError: it did not.
    """
    before = digests(folder)
    yield
    after = digests(folder)
    changed = [name for name, digest in before.items() if after.get(name) != digest]
    assert not changed, f"changed or lost: {changed}"


def flip(path: pathlib.Path, bit: int) -> None:
    """Turn one bit of a file over; counted from the end where it is negative."""
    content = bytearray(path.read_bytes())
    byte = bit // 8 % len(content)
    content[byte] ^= 1 << bit % 8
    path.write_bytes(content)


def cut(path: pathlib.Path, share: float) -> None:
    """Leave a share of a file."""
    os.truncate(path, int(share * path.stat().st_size))
