"""Runs that go on with another number of replicas, against those that do not."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from keras_iresnet.runs import RunFolder
from keras_iresnet.runs.state.state_file import read_state

pytestmark = pytest.mark.slow
MOVES = [("one to two", "one", 2), ("two to one", "two", 1)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder of the runs, and what was seen of them."""
    folder = tmp_path_factory.mktemp("moved")
    script = pathlib.Path(__file__).parents[2] / "helpers" / "moved.py"
    done = subprocess.run([sys.executable, script, folder], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, dict(np.load(folder / "found.npz"))


def _losses(found, name):
    return {key.split("/")[-1]: float(value) for key, value in found.items() if key.startswith(f"{name}/loss/")}


@pytest.mark.parametrize(("name", "stayed", "replicas"), MOVES)
def test_losses_go_on_as_without_the_move(runs, name, stayed, replicas):
    _, found = runs
    assert found[f"{name}/replicas"] == replicas
    losses, expected = _losses(found, name), _losses(found, stayed)
    assert list(losses) == ["5", "6", "7", "8"]
    assert np.ptp(list(losses.values())) > 0.1  # they move
    assert losses == pytest.approx({step: expected[step] for step in losses}, rel=1e-4)


@pytest.mark.parametrize(("name", "stayed", "replicas"), MOVES)
def test_state_is_equal_on_all_replicas_and_that_of_the_run_that_stayed(runs, name, stayed, replicas):
    folder, found = runs
    assert found[f"{name}/differing"] == 0
    moved, expected = (read_state(RunFolder(folder / run).state(8))[0] for run in (name, stayed))
    assert moved.keys() == expected.keys()
    assert len(moved) > 60
    for key, array in expected.items():
        # A singular vector's sign says nothing.
        np.testing.assert_allclose(abs(moved[key]), abs(array), rtol=1e-3, atol=1e-4, err_msg=key)
