"""Runs in processes of their own, that save a state at every step: what they must have come to, killed or not."""

import csv
import os
import pathlib
import signal
import subprocess
import sys
import time

from room import HELPERS, assert_same_state, surroundings

from keras_iresnet.runs import RunFolder

SERVER = pathlib.Path(__file__).with_name("run_server.py")
_plain: dict[pathlib.Path, RunFolder] = {}


class Sweep:
    """A run that is killed again and again, then another.

    Args:
        folder: where the runs are made.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.kills, self._count = folder, 0, 0
        environment = surroundings({"PYTHONPATH": f"{HELPERS}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"})
        self._server = subprocess.Popen(
            [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.renew()

    def renew(self) -> None:
        """Take another folder."""
        self._count += 1
        self.kills = 0
        self.run = RunFolder(self.folder / f"run{self._count}")

    def begin(self) -> None:
        """Begin the run, or go on with it, in a process that has everything imported."""
        self._told = self.run.path.with_suffix(".log")
        print(f"{self.run.path}\t{self._told}", file=self._server.stdin, flush=True)
        self._process = int(self._server.stdout.readline())

    def wait(self) -> int:
        """The exit status of the process."""
        return int(self._server.stdout.readline())

    def kill_after(self, seconds: float) -> bool:
        """Kill the process that long after the folder is there; whether it had ended before."""
        while not self.run.path.exists():
            time.sleep(0.002)
        time.sleep(seconds)
        os.kill(self._process, signal.SIGKILL)  # the server has not waited for it: the number is its own still
        status = self.wait()
        if status == 0:
            return True
        assert status == -signal.SIGKILL, self._told.read_text()[-3000:]
        self.kills += 1
        return False

    def finish(self, run: RunFolder) -> str:
        """Begin a run, or go on with it, to its end; returns what it told."""
        self.run = run
        before = run.states()
        self.begin()
        status, told = self.wait(), self._told.read_text()
        assert status == 0, told[-3000:]
        if before and "total_seconds" not in run.read_metrics():
            assert f"Going on after {int(before[0].name.split('.')[1])} steps" in told, told
        return told


def plain(room) -> RunFolder:
    """The run that nothing was done to, made once for a room."""
    if room.folder not in _plain:
        run = RunFolder(room.folder / "plain")
        room.sweep.finish(run)
        room.sweep.renew()
        _plain[room.folder] = run
    return _plain[room.folder]


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
