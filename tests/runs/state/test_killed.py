"""A run that is killed and goes on, against one that is not; at other moments in `tests/faults/`."""

import csv
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

from keras_iresnet.runs import RunFolder
from keras_iresnet.runs.state.state_file import read_state

SCRIPT = pathlib.Path(__file__).parents[2] / "helpers" / "killable.py"


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
