"""`--json`: figures for programs, alone on standard output."""

import json
import math
import pathlib
import shutil

import click
import keras
import numpy as np
import pytest
from click.testing import CliRunner

import keras_iresnet as ki
from keras_iresnet import data
from keras_iresnet.runs import RunFolder
from keras_iresnet_cli import cli, tables

BEFORE = pathlib.Path(__file__).parent / "compatibility" / "before" / "run"


def _folder(path, model, name):
    run = RunFolder.create(path)
    run.save(run.best, model)
    run.write_json(run.config, {"name": name, "builder": {}, "recipe": {"dataset": "digits", "seed": 3}})
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder as `train` leaves it, with a flow that was initialised alone."""
    flow = ki.zoo.digits_flow(blocks=(1,), channels=4, seed=0)
    flow.initialize(data.digits.load_arrays()[0][:200])
    return _folder(tmp_path_factory.mktemp("runs") / "flow", flow, "digits_flow")


def _json(*words, status=0):
    """What a command printed, which must be JSON alone, and what it said beside."""
    result = CliRunner().invoke(cli, [*map(str, words), "--json"])
    assert result.exit_code == status, result.output
    return json.loads(result.stdout, parse_constant=pytest.fail), result.stderr


def _reporting(group=cli):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _reporting(command)
        elif name != "list":
            yield pytest.param(command, id=name)


@pytest.mark.parametrize("command", [*_reporting()])
def test_every_command_that_reports_has_the_option(command):
    assert [parameter.opts for parameter in command.params if parameter.name == "as_json"] == [["--json"]]


def test_evaluate_prints_what_the_metrics_take(run):
    found, said = _json("evaluate", run.path, "--split", "validation", "--num-terms", 3, "--max-passes", 1)
    assert found == {name: value for name, value in run.read_metrics().items() if name in found}
    assert found["validation_num_terms"] == 3
    assert "validation_bits_per_dim" in found
    assert "validation_bits_per_dim" not in said


def test_certify_prints_every_bound(run):
    found, _ = _json("certify", run.path)
    certificate = ki.certify(run.load_best())
    assert (found["invertible"], found["bound"]) == (True, certificate.bound)
    (block,) = found["blocks"]
    assert block["lip"] == certificate.blocks[0].lip
    assert [layer["norm"] for layer in block["layers"]] == [layer.norm for layer in certificate.layers]


def test_certify_prints_null_where_no_bound_is_known_and_fails_as_ever(tmp_path):
    block = ki.layers.InvertibleResidualBlock(keras.layers.DepthwiseConv2D(1, depthwise_initializer="zeros"))
    other = _folder(tmp_path / "run", ki.Flow(ki.layers.Chain([block]), (8, 8, 1), bins=17), "digits_flow")
    found, _ = _json("certify", other.path, status=1)
    assert (found["invertible"], found["bound"], found["blocks"][0]["lip"]) == (False, None, None)


@pytest.mark.parametrize("words", [("sample", "--n", 4), ("interpolate", "--pairs", 2, "--steps", 3)])
def test_commands_that_write_a_picture_print_where_it_is(words, run, tmp_path):
    found, _ = _json(words[0], run.path, *words[1:], "--out", tmp_path / "x.png")
    assert found["paths"] == [str(tmp_path / "x.png")]


def test_sample_prints_how_exact_it_is(run, tmp_path):
    found, said = _json("sample", run.path, "--n", 4, "--out", tmp_path / "x.png")
    assert 0 < found["max_error_estimate"] <= found["max_error_bound"] < 1e-5
    assert f"bound {found['max_error_bound']:.1e}, estimate {found['max_error_estimate']:.1e}" in said


def test_reconstruct_prints_the_figures_and_where_the_picture_is(run, tmp_path):
    found, _ = _json("reconstruct", run.path, "--n", 4, "--out", tmp_path / "x.png")
    assert found["paths"] == [str(tmp_path / "x.png")]
    assert (found["images"], found["not_converged"]) == (4, 0)
    assert 0 < found["max_abs_error"] < 1e-5
    assert 0 < found["max_error_estimate"] <= found["max_error_bound"] < 1e-5


def test_figures_print_rows_and_paths(run, tmp_path):
    words = ("--images", 2, "--num-terms", 2, "--num-probes", 2)
    found, _ = _json("figures", "trace-estimator", run.path, "--out", tmp_path, *words)
    assert sorted(found["paths"]) == sorted(str(path) for path in tmp_path.iterdir())
    found, _ = _json("figures", "singular-values", run.path, "--out", tmp_path / "norms")
    assert sorted(found["paths"]) == sorted(str(path) for path in (tmp_path / "norms").iterdir())
    assert len(found["rows"]) == 1
    assert found["rows"][0]["holds"] is True


def test_train_prints_the_metrics_and_the_folder_and_hints_beside(tmp_path):
    path = tmp_path / "run"
    shutil.copytree(BEFORE, path)
    found, said = _json("train", "--resume", path)
    assert found == {"run": str(path)} | json.loads((BEFORE / "metrics.json").read_text())
    assert f"Next: keras-iresnet evaluate {path}" in said


def test_an_error_leaves_standard_output_empty(tmp_path):
    result = CliRunner().invoke(cli, ["evaluate", str(tmp_path), "--json"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "must be a run folder" in result.stderr


def test_what_json_has_not_is_null_and_scalars_and_paths_are_plain(capsys):
    content = {
        "none": [math.nan, -math.inf, np.float32("inf")],
        "path": pathlib.Path("a"),
        "rows": ({"x": np.int64(3)},),
    }
    tables.show_json(content | {"half": np.float32(0.5), "yes": np.bool_(True), "text": "ü"})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "none": [None, None, None],
        "path": "a",
        "rows": [{"x": 3}],
        "half": 0.5,
        "yes": True,
        "text": "ü",
    }
