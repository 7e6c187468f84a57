"""Runs in processes of their own, that save a state at every step: what they must have come to, killed or not."""

import csv
import pathlib
import subprocess
import sys

from room import HELPERS, assert_same_state, surroundings

from keras_iresnet.runs import RunFolder

SCRIPT = HELPERS / "killable.py"
_plain: dict[pathlib.Path, RunFolder] = {}


def plain(room) -> RunFolder:
    """The run that nothing was done to, made once for a room."""
    if room.folder not in _plain:
        run = RunFolder(room.folder / "plain")
        finished(run.path)
        _plain[room.folder] = run
    return _plain[room.folder]


def started(path: pathlib.Path, *words: object) -> subprocess.Popen:
    """The run in `path`, which begins or goes on."""
    command = [sys.executable, str(SCRIPT), str(path), *map(str, words)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=surroundings({}))


def finished(path: pathlib.Path) -> str:
    """Begin the run in `path`, or go on with it, to its end; returns what it told."""
    process = started(path)
    told = process.communicate(timeout=500)[1]
    assert process.returncode == 0, told[-3000:]
    return told


def history(run: RunFolder) -> list[dict[str, str]]:
    """The rows of a run, without the clock."""
    with run.history.open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def assert_same_end(run: RunFolder, expected: RunFolder) -> None:
    """Refuse a run that did not come to the same end as another.

    Raises:
        AssertionError: it did not: a state differs in a bit, or the history, or the figure of the test split.
    """
    assert_same_state(run.states()[0], expected.states()[0])
    assert [file.name for file in run.states()] == [file.name for file in expected.states()]
    assert history(run) == history(expected)
    assert not list(run.path.glob(".*.part*"))
    assert run.read_metrics()["test_bits_per_dim"] == expected.read_metrics()["test_bits_per_dim"]
