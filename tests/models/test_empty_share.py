"""A batch that leaves a replica without examples: an empty share counts as nothing."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).parents[1] / "helpers" / "empty_share.py"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("shares") / "found.npz"
    result = subprocess.run([sys.executable, SCRIPT, path], capture_output=True, text=True, timeout=500)
    assert result.returncode == 0, result.stderr[-3000:]
    return dict(np.load(path))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["flow", "classifier"])
def test_two_replicas_have_what_one_has(found, kind):
    names = [name.removeprefix(f"{kind}/one/") for name in found if name.startswith(f"{kind}/one/")]
    assert {name.split("/")[0] for name in names} >= {"evaluate", "predict"}
    for name in names:
        one, two = found[f"{kind}/one/{name}"], found[f"{kind}/two/{name}"]
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_training_is_that_of_one_replica(found):
    losses = found["flow/one/fit/loss"]
    assert abs(losses[0] - losses[1]) > 1e-3
    assert any(name.startswith("flow/two/weights/") for name in found)
