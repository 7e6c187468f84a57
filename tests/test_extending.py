"""docs/extending.md as a new user would try it: its classes in a module outside the package, and another process."""

import ast
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

import keras_iresnet as ki

ROOT = pathlib.Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "extending.md").read_text()
TRAIN = """
import numpy as np
import keras_iresnet as ki
import my_parts

flow = ki.zoo.get("heavy_tails").builder(blocks=1, units=8, seed=0)
flow.compile("adamax")
points = np.random.default_rng(0).standard_t(2, (400, 2)).astype("float32")
before = flow.log_prob(points)
flow.fit(points, batch_size=100, epochs=2, verbose=0)
assert np.mean(flow.log_prob(points)) > np.mean(before)
flow.save("heavy_tails.keras")
np.savez("trained.npz", points=points, log_prob=flow.log_prob(points), samples=flow.sample(5, seed=1))
"""
USE = """
import numpy as np
trained = np.load("trained.npz")
np.savez("loaded.npz", log_prob=flow.log_prob(trained["points"]), samples=flow.sample(5, seed=1))
"""


def _blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.M | re.S)


def _definitions():
    """The source of what a module of the user's would hold: imports, classes, functions."""
    imports, defined = (ast.Import, ast.ImportFrom), (ast.ClassDef, ast.FunctionDef)
    kept = []
    for block in _blocks("python"):
        statements = ast.parse(block).body
        if {type(node) for node in statements} <= {*imports} or any(isinstance(node, defined) for node in statements):
            kept += [ast.unparse(node) for node in statements if isinstance(node, imports + defined)]
    return "\n\n".join(kept)


def _run(code, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A user's folder, in which this process has trained a model of the page's parts and another has loaded it."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "my_parts.py").write_text(_definitions())
    (load,) = _blocks("py")  # the page's words on another process
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        patch.setattr(ki.zoo.registry, "_entries", dict(ki.zoo.registry._entries))  # the page's model stays there
        exec(TRAIN, {})
    _run(load + USE, folder)
    return folder


def test_a_model_of_own_parts_is_the_same_in_another_process(folder):
    trained, loaded = np.load(folder / "trained.npz"), np.load(folder / "loaded.npz")
    np.testing.assert_allclose(loaded["log_prob"], trained["log_prob"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(loaded["samples"], trained["samples"], rtol=1e-6, atol=1e-6)
    assert loaded["samples"].std() > 0


def test_a_layer_takes_fifteen_lines():
    layer = next(block for block in _blocks("python") if "InvertibleLayer" in block)
    code = [line for line in layer.splitlines() if line.strip() and not line.lstrip().startswith('"""')]
    assert len(code) <= 15
