"""Processes that are killed, memory that is short, machines that are gone."""

import contextlib
import json
import os
import pathlib
import re
import signal
import time

import numpy as np
import tensorflow as tf
from fault import Outcome, fault
from room import HELPERS
from sweep import assert_same_end, plain
from workers import finish_workers, start_workers

from keras_iresnet import Flow
from keras_iresnet.models.files.model_file import load_checkpoint
from keras_iresnet.runs import RunFolder
from keras_iresnet.runs.machine import devices
from keras_iresnet.runs.state.state_file import read_state

MOMENTS, KILLS = 50, 5  # in all, and of one run before it may end
CALLS, WARM, GROWTH = 1000, 100, 16  # MiB


@fault(
    "processes",
    names=r"^$",
    survives="every file that was written, whole; the run goes on from its latest state to the same end, to the bit",
    elsewhere="tests/runs/state/test_killed.py",
    every=[round(float(share), 3) for share in np.random.default_rng(7).random(MOMENTS)],
)
def killed(room, share) -> Outcome:
    """`kill -9` at a random moment between the first file of a run and its last; `train --resume`, killed again."""
    expected, sweep = plain(room), room.sweep
    for _ in range(9):
        run = sweep.run
        before = run.states()
        sweep.begin()
        ended = sweep.kill_after(share * lifetime(expected))
        if not ended:
            break
        assert_same_end(run, expected)  # it was faster, and the next moment is of another run
        sweep.renew()
    assert_whole(run)
    assert not before or run.states()[0] >= before[0], "a state was lost"
    if sweep.kills == KILLS:
        sweep.finish(run)
        assert_same_end(run, expected)
        sweep.renew()
    return Outcome(128 + signal.SIGKILL, "")  # whom `kill -9` ends says nothing


def lifetime(run: RunFolder) -> float:
    """Seconds from the first file of a run to its last."""
    times = [path.stat().st_mtime for path in run.path.rglob("*") if path.is_file()]
    return max(times) - run.path.stat().st_ctime


def assert_whole(run: RunFolder) -> None:
    """Refuse a folder with a file that is not whole, but for those that are marked as half written."""
    for path in run.states():
        read_state(path)
    if run.config.exists():
        run.read_config()
    run.read_metrics()
    if run.best.exists():
        load_checkpoint(run.best)


@fault(
    "processes",
    names=r"not enough memory.*batch-size",
    survives="nothing was begun, or the latest state",
    few=["a model, of Python"],  # TensorFlow waits for ten seconds before it says so
    every=["a model, of Python", "a model", "a step", "Python"],
)
def memory_that_is_too_small(room, what) -> Outcome:
    """More is asked for than the machine has, to build a model or in its fourth step; `train`."""
    if what.startswith("a model"):
        path = room.new() / "run"
        words = ["--blocks", "1", "--units", "8" if what.endswith("Python") else "4000000,4000000", "--epochs", "1"]
        with asking_python() if what.endswith("Python") else contextlib.nullcontext():
            outcome = room.command("train", "toy_flow", *words, "--out", path)
        assert not path.exists()
        return outcome
    run = RunFolder(room.new() / "run")
    outcome = room.process(HELPERS / "short_of_memory.py", run.path, what)
    assert [file.name for file in run.states()] == ["last.000000003.state", "last.000000002.state"], outcome.text
    expected = plain(room)
    room.sweep.finish(run)
    assert_same_end(run, expected)
    return outcome


@contextlib.contextmanager
def asking_python():
    """Have a flow ask for a pebibyte as it is built."""
    build = Flow.build
    Flow.build = lambda self, shape: np.zeros(2**50)
    try:
        yield
    finally:
        Flow.build = build


LOST = [tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError]


@fault(
    "processes",
    names=r"Another machine of TF_CONFIG is gone",
    survives="the latest state, from which all machines go on",
    few=["what TensorFlow says"],
    every=["what TensorFlow says", "worker 1"],
)
def a_machine_that_is_lost(room, which) -> Outcome:
    """One of two workers is killed in the second epoch; `train` on the other, which ends by itself, then `--resume`."""
    if which == "what TensorFlow says":
        with two_workers():
            outcomes = [room.called(lose, error(None, None, "Connection reset by peer")) for error in LOST]
        assert len({outcome.text for outcome in outcomes}) == 1
        return outcomes[0]
    folder, fields, lost = room.new(), ("epochs=12",), int(which[-1])
    processes, run = start_workers(folder, fields=fields), RunFolder(folder / "0")
    while not run.states() or run.states()[0] < run.state(8):  # in the middle of the second epoch
        assert processes[0].poll() is None, (folder / "0.log").read_text()[-2000:]
        time.sleep(0.05)
    processes[lost].kill()
    status, text = processes[1 - lost].wait(300), (folder / f"{1 - lost}.log").read_text()
    processes[lost].wait(60)
    states = run.states()
    finish_workers(folder, "resume", fields=fields)
    assert f"Going on after {int(states[0].name.split('.')[1])} steps" in (folder / "0.log").read_text()
    assert run.read_metrics()["epochs"] == 12
    return Outcome(status, text)


@devices.naming_lost_machines()
def lose(error):
    """A training whose peer is gone, to TensorFlow."""
    raise error


@contextlib.contextmanager
def two_workers():
    """Be one of two machines."""
    os.environ["TF_CONFIG"] = json.dumps(
        {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    )
    try:
        yield
    finally:
        del os.environ["TF_CONFIG"]


@fault(
    "processes",
    names=r"^$",
    survives=f"memory: after {WARM} calls, it grows by less than {GROWTH} MiB",
    few=[("sample", 10, 30)],
    every=[(call, WARM, CALLS) for call in ("train", "sample", "predict")],
)
def a_thousand_calls(room, case) -> Outcome:
    """`train_on_batch`, `sample` or `predict` 1,000 times in one process."""
    call, warm, calls = case
    outcome = room.process(pathlib.Path(__file__).with_name("many_calls.py"), call, warm, calls, timeout=3600)
    assert outcome.status == 0, outcome.text
    growth = float(re.search(r"grew by (\S+)", outcome.text)[1])
    assert growth < GROWTH, f"{call}: {growth:.1f} MiB"
    return Outcome(0, f"grew by {growth:.1f} MiB", unharmed=True)
