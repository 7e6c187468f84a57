"""Runs that are killed, or failed by their disk, and go on, against one that is not."""

import csv
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_iresnet.runs import RunFolder
from keras_iresnet.runs.state.state_file import read_state

SCRIPT, FAULTY = (
    (pathlib.Path(__file__).parents[2] / "helpers").joinpath(name) for name in ("killable.py", "faulty.py")
)
# A disk of its own for a command, whose run is left beside it.
ON_A_SMALL_DISK = """
    mount -t tmpfs -o size=32m tmpfs "$0" || exit 77
    "$@"
    code=$?
    cp -r "$0/run" "$0/../left"
    exit $code
"""


def _start(*words):
    return subprocess.Popen([sys.executable, str(SCRIPT), *map(str, words)], stderr=subprocess.PIPE, text=True)


def _finish(*words):
    process = _start(*words)
    error = process.communicate(timeout=500)[1]
    assert process.returncode == 0, error[-3000:]
    return error


def _history(run):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(run.history.open())]


def _assert_same_end(run, plain):
    assert [file.name for file in run.states()] == [file.name for file in plain.states()]
    (arrays, facts), (expected, expected_facts) = (read_state(folder.states()[0]) for folder in (run, plain))
    assert arrays.keys() == expected.keys()
    assert {name.split("/")[0] for name in arrays} == {"model", "optimizer", "metrics", "best"}
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array, strict=True, err_msg=name)
    seconds = [known["position"].pop("seconds") for known in (facts, expected_facts)]
    assert min(seconds) > 0
    assert facts == expected_facts
    assert _history(run) == _history(plain)
    assert len(_history(run)) == 3
    assert not list(run.path.glob(".*.part*"))
    assert run.read_metrics()["test_bits_per_dim"] == plain.read_metrics()["test_bits_per_dim"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    run = RunFolder(tmp_path_factory.mktemp("plain"))
    _finish(run.path)
    return run


@pytest.mark.slow
def test_a_run_killed_in_a_write_goes_on_to_the_same_end(plain, tmp_path):
    # The ninth write is at step 8, in the second epoch; the eighth is then cut short too.
    run = RunFolder(tmp_path)
    process = _start(run.path, 9)
    process.communicate(timeout=500)
    assert process.returncode == -signal.SIGKILL
    newest, previous = run.states()
    assert (newest.name, previous.name) == ("last.000000007.state", "last.000000006.state")
    assert len(list(run.path.glob(".*.part*"))) == 1
    os.truncate(newest, newest.stat().st_size - 100)
    error = _finish(run.path)
    assert f"Refused {newest.name}: its checksum does not match" in error
    assert "Going on after 6 steps, in epoch 2" in error
    assert (tmp_path / f"{newest.name}.refused").is_file()
    (tmp_path / f"{newest.name}.refused").unlink()
    _assert_same_end(run, plain)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_run_killed_at_five_random_moments_goes_on_to_the_same_end(plain, tmp_path):
    run, moments = RunFolder(tmp_path), random.Random(time.time_ns())
    for write in (None, None, 3, None, None):
        known = {file.name for file in run.states()}
        process = _start(run.path, *([] if write is None else [write]))
        if write is None:
            while process.poll() is None and not {file.name for file in run.states()} - known:
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 1.5))
            process.kill()
        process.communicate(timeout=500)
        assert process.returncode == -signal.SIGKILL
        print("killed with", [file.name for file in run.states()])
    _finish(run.path)
    _assert_same_end(run, plain)


def _failed(folder, *fault):
    """How a run in `folder` ended whose disk failed it after four steps, and what is left of it."""
    words = [sys.executable, str(FAULTY), str(folder / "disk" / "run"), *fault]
    (folder / "disk").mkdir()
    if "gone" not in fault:
        if not shutil.which("unshare"):
            pytest.skip("needs `unshare`, to mount a disk")
        words = ["unshare", "--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, str(folder / "disk"), *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=500)
    if done.returncode == 77 or done.stderr.startswith("unshare:"):
        pytest.skip(f"needs a disk that may be mounted: {done.stderr}")
    assert done.returncode == 2, done.stderr[-3000:]
    return " ".join(done.stderr.split()), RunFolder(folder / ("disk/moved away" if "gone" in fault else "left"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("full", "No space left on device"),
        ("readonly", "Read-only file system"),
        ("gone", "No such file or directory"),
    ],
)
def test_a_run_that_its_disk_fails_says_so_and_goes_on_to_the_same_end(plain, tmp_path, fault, reason):
    error, run = _failed(tmp_path, fault)
    assert f"{tmp_path}/disk/run/last.000000004.state could not be written: {reason}" in error
    assert [file.name for file in run.states()] == ["last.000000003.state", "last.000000002.state"]
    assert "Going on after 3 steps" in _finish(run.path)
    _assert_same_end(run, plain)


@pytest.mark.slow
def test_a_disk_that_is_full_when_logs_are_written_is_named_too(tmp_path):
    error, run = _failed(tmp_path, "full", "logs")
    assert "No space left on device" in error
    assert f"Error: A file in {tmp_path}/disk/run could not be written" in error
    assert read_state(run.states()[-1])[1]["position"]["step"] == 0
