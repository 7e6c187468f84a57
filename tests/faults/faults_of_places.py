"""Folders that cannot be written, disks that are full, runs in the way of each other."""

import contextlib
import os
import pathlib
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest
from fault import Outcome, fault
from room import HELPERS, digests, surroundings, untouched
from sweep import assert_same_end, plain

from keras_iresnet.runs import RunFolder

# A disk of its own for a command, whose run is left beside it.
ON_A_SMALL_DISK = """
    mount -t tmpfs -o size=32m tmpfs "$0" || exit 77
    "$@"
    code=$?
    cp -r "$0/run" "$0/../left"
    exit $code
"""
FAILING = {
    "full": "last.000000004.state could not be written: No space left on device",
    "readonly": "last.000000004.state could not be written: Read-only file system",
    "gone": "last.000000004.state could not be written: No such file or directory",
    "full logs": "No space left on device",
}


@fault(
    "places",
    names=r"disk/run",
    survives="the two latest states, from which the run goes on to the same end",
    elsewhere="tests/runs/state/test_save_state.py",
    every=list(FAILING),
)
def a_disk_that_fails_in_training(room, kind) -> Outcome:
    """The disk of a run is full, read-only or gone after the fourth step, for states or for logs first; `train`."""
    folder = room.new("disk")
    outcome = failed(folder, *kind.split())
    assert FAILING[kind] in outcome.message, outcome.text
    run = RunFolder(folder / ("disk/moved away" if kind == "gone" else "left"))
    if kind == "full logs":
        return outcome
    assert [file.name for file in run.states()] == ["last.000000003.state", "last.000000002.state"]
    expected = plain(room)
    assert "Going on after 3 steps" in room.sweep.finish(run)
    assert_same_end(run, expected)
    return outcome


def failed(folder: pathlib.Path, *fault: str) -> Outcome:
    """How a run in `folder` ended whose disk failed it after four steps."""
    words = [sys.executable, str(HELPERS / "faulty.py"), str(folder / "disk" / "run"), *fault]
    (folder / "disk").mkdir()
    if "gone" not in fault:
        if not shutil.which("unshare"):
            pytest.skip("needs `unshare`, to mount a disk")
        words = ["unshare", "--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, str(folder / "disk"), *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=1500, env=surroundings({}))
    if done.returncode == 77 or done.stderr.startswith("unshare:"):
        pytest.skip(f"needs a disk that may be mounted: {done.stderr}")
    return Outcome(done.returncode, done.stderr)


LIMITS = [0, 1000, 20_000]  # bytes, of which the last is within the files
WRITES = ["save", "save_weights", "save_to_preset"]


@fault(
    "places",
    names=r"kept|presets",
    survives="the file that was to be replaced, as it is; nothing half written",
    few=[("save", 1000), ("save_weights", 1000)],
    every=[(call, limit) for call in WRITES for limit in LIMITS],
)
def a_disk_that_is_full_when_a_model_is_saved(room, case) -> Outcome:
    """No file may be larger than some bytes; `save`, `save_weights` over a file that is there, `save_to_preset`."""
    call, limit = case
    folder, model = room.new(), room.model()
    names = {"save": "kept.keras", "save_weights": "kept.weights.h5", "save_to_preset": "presets/mine"}
    if call != "save_to_preset":
        getattr(model, call)(folder / names[call])
    with untouched(folder), at_most(limit):
        outcome = room.called(getattr(model, call), folder / names[call])
    assert len(digests(folder)) == (call != "save_to_preset"), digests(folder)
    return outcome


@fault(
    "places",
    names=r"run/\S+ could not be written",
    survives="every file of the run, as it is; nothing half written",
    few=["sample"],
    every=["sample", "evaluate", "export", "certify"],
)
def a_disk_that_is_full_for_a_command(room, command) -> Outcome:
    """No file may have a byte; `sample`, `evaluate`, `export`, `certify --picture`."""
    run, more = room.run(), {"sample": ["--out", "drawn.npy"], "certify": ["--picture", "bounds.png"]}
    words = [word if word.startswith("--") else run.path / word for word in more.get(command, [])]
    with untouched(run.path), at_most(0):
        outcome = room.command(command, run.path, *words)
    assert not list(run.path.glob(".*.part*"))
    return outcome


@contextlib.contextmanager
def at_most(size: int):
    """Let no file of this process grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@fault(
    "places",
    names=r"run/|run'",
    survives="every file of the run, as it is",
    few=["sample", "train --resume"],
    every=["sample", "evaluate", "train --resume", "score", "export", "train --out"],
)
def a_folder_that_is_read_only(room, words) -> Outcome:
    """Nobody may write into the folder of a run; `sample`, `evaluate`, `score`, `export`, `train`."""
    run = room.run(ended="train" not in words)
    command, *option = words.split()
    arguments = {"sample": [run.path, "--n", "4"], "train": [*option, run.path], "score": [run.path, points(room)]}
    if option == ["--out"]:
        arguments["train"] = ["toy_flow", "--out", run.path / "inside"]
    with untouched(run.path), read_only(run.path):
        return room.command(command, *arguments.get(command, [run.path]))


def points(room) -> pathlib.Path:
    """A file of points like those of the run."""
    path = room.new() / "points.npy"
    np.save(path, np.zeros((5, 2), "float32"))
    return path


@contextlib.contextmanager
def read_only(folder: pathlib.Path):
    """Forbid everybody to write into a folder; the superuser too, whom modes do not stop."""
    if os.geteuid() == 0:
        if not shutil.which("chattr") or subprocess.run(["chattr", "+i", folder], capture_output=True).returncode:
            pytest.skip("needs a file system on which the superuser can be kept from writing")
    else:
        folder.chmod(0o555)
    try:
        yield
    finally:
        if os.geteuid() == 0:
            subprocess.run(["chattr", "-i", folder], check=True)
        else:
            folder.chmod(0o755)


@fault(
    "places",
    names=r"run'",
    survives="the run that was there first, which goes on to the same end",
    few=["a lock"],
    every=["a lock", "a process"],
)
def two_runs_in_one_folder(room, kind) -> Outcome:
    """A second training begins in the folder of one that goes on; `train --resume`."""
    if kind == "a lock":
        run = room.run(ended=False)
        with run.locked(), untouched(run.path):
            return room.command("train", "--resume", run.path)
    run = RunFolder(room.new("sweep") / "run")
    first = subprocess.Popen([sys.executable, str(HELPERS / "killable.py"), str(run.path)], env=surroundings({}))
    while not run.states():
        assert first.poll() is None
    outcome = room.command("train", "--resume", run.path)
    assert first.wait(500) == 0
    assert_same_end(run, plain(room))
    return outcome
