"""The experiments on classifiers, at a size at which their figures mean little but are all there."""

import json
import re
import shutil

import numpy as np
import oracles
import pytest
from click.testing import CliRunner
from study_case import study

import keras_iresnet as ki
import keras_iresnet_cli
from keras_iresnet import data
from keras_iresnet.runs import RunFolder
from keras_iresnet.studies import inverse_steps, sweep
from keras_iresnet.studies.dynamics import dynamics
from keras_iresnet.studies.error_by_coeff import error_by_coeff
from keras_iresnet.studies.images_from_features import images_from_features
from keras_iresnet.studies.inverse_steps import STEPS, steps_study
from keras_iresnet.studies.singular_values import singular_values_runs

pytestmark = pytest.mark.slow  # they train several networks, which later tests go on from

TINY = {"blocks": "1,1", "channels": "4", "epochs": "2", "batch_size": "128"}
SET = [word for name, value in TINY.items() for word in ("--set", f"{name}={value}")]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """One folder for all experiments: they share their runs."""
    return tmp_path_factory.mktemp("experiments")


def test_reconstructions_of_both_networks(out):
    arrays, rows = study(images_from_features(out, images=6, overrides=TINY, progress=False)[0])
    originals = arrays["originals"]
    assert originals.shape == (6, 8, 8, 1)
    errors = np.abs(arrays["coeff-0.9"] - originals / 16).mean((1, 2, 3))
    assert errors.max() < 1e-4
    constrained = rows[:6]
    np.testing.assert_allclose([float(row["mean_abs_error"]) for row in constrained], errors, rtol=1e-6)
    assert {row["converged"] for row in constrained} == {row["reconstructed"] for row in constrained} == {"True"}
    assert [row["model"] for row in rows[6:]] == ["vanilla"] * 6
    for row, back, original in zip(rows[6:], arrays["vanilla"], originals, strict=True):
        assert (row["reconstructed"] == "True") == bool(np.abs(back - original / 16).mean() < 1e-3)


def test_runs_that_are_there_are_not_made_again(out):
    before = (out / "runs" / "coeff-0.9" / "metrics.json").stat().st_mtime_ns
    images_from_features(out, images=2, overrides=TINY, progress=False)
    assert (out / "runs" / "coeff-0.9" / "metrics.json").stat().st_mtime_ns == before
    with pytest.raises(ValueError, match=r"own settings.*coeff-0\.9"):
        images_from_features(out, overrides=TINY | {"epochs": 3}, progress=False)


def test_an_interrupted_run_goes_on(out, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(out / "runs" / "coeff-0.9", runs / "coeff-0.9")
    (runs / "coeff-0.9" / "metrics.json").unlink()  # its training had ended, its evaluation not
    (runs / "coeff-0.8").mkdir()
    config = RunFolder(out / "runs" / "coeff-0.9").read_config()
    config["builder"]["coeff"] = 0.8
    RunFolder(runs / "coeff-0.8").config.write_text(json.dumps(config))  # before its first state
    before = RunFolder(out / "runs" / "coeff-0.9").read_metrics()
    found = sweep.sweep("digits", ["coeff-0.9", "coeff-0.8"], tmp_path, overrides=TINY, progress=False)
    metrics = {label: run.read_metrics() for label, run in found.items()}
    histories = [RunFolder(folder / "runs" / "coeff-0.9").history.read_text() for folder in (out, tmp_path)]
    assert histories[0] == histories[1]  # with the seconds that it took
    assert metrics["coeff-0.9"]["test_loss"] == pytest.approx(before["test_loss"])
    assert metrics["coeff-0.8"]["steps"] == before["steps"]


def test_a_vanilla_network_that_diverges_is_no_error(tmp_path):
    overrides = TINY | {"learning_rate": "1e12"}
    assert sweep.sweep("digits", ["vanilla"], tmp_path, overrides=overrides, progress=False) == {"vanilla": None}


def test_error_by_coeff_is_that_of_the_runs(out):
    paths, _ = error_by_coeff(out, overrides=TINY, progress=False)
    arrays, rows = study(paths)
    assert [row["coeff"] for row in rows] == ["", "0.9", "0.8", "0.7", "0.6", "0.5"]
    for i, row in enumerate(rows):
        metrics = json.loads((out / "runs" / row["model"] / "metrics.json").read_text())
        assert arrays["test_error_percent"][i] == pytest.approx(metrics["test_error_percent"])
        assert float(row["train_error_percent"]) == pytest.approx(metrics["train_error_percent"])
        config = RunFolder(out / "runs" / row["model"]).read_config()
        assert config["builder"]["coeff"] == (float(row["coeff"]) if row["coeff"] else None)


def test_singular_values_of_all_variants_hold(out):
    words = ["figures", "singular-values", "--out", str(out), *SET]
    result = CliRunner().invoke(keras_iresnet_cli.cli, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    arrays, rows = study([out / f"singular_values.{ending}" for ending in ("npz", "csv", "md", "png")])
    assert len(rows) == 6 * 6
    for label in ("coeff-0.9", "coeff-0.3"):
        model = RunFolder(out / "runs" / label).load_best()
        branches = [layer.branch for layer in model.layer.layers if hasattr(layer, "branch")]
        layers = [layer for branch in branches for layer in branch.spectral_layers]
        expected = [oracles.operator_norm(layer, layer.normalized_kernel()) for layer in layers]
        np.testing.assert_allclose(arrays[f"{label}_norm"], expected, rtol=1e-6)
        assert max(expected) <= 1.01 * float(label.removeprefix("coeff-"))
    assert np.isfinite(arrays["batch-norm_folded_norm"]).sum() == 4


def test_a_layer_above_its_bound_is_told(out, tmp_path):
    good, bad = RunFolder(out / "runs" / "coeff-0.9"), RunFolder(tmp_path / "bad")
    bad.path.mkdir()
    bad.config.write_text(good.config.read_text())
    model = good.load_best()
    first = next(layer.branch for layer in model.layer.layers if hasattr(layer, "branch")).spectral_layers[1]
    first.kernel.assign(10 * first.kernel)
    first.u.assign(np.eye(1, first.u.shape[1]))
    bad.save(bad.best, model)
    _, (fine, broken) = singular_values_runs([good.path, bad.path], tmp_path)
    assert (fine["run"], fine["holds"]) == ("coeff-0.9", True)
    assert (broken["run"], broken["holds"]) == ("bad", False)
    assert broken["largest_over_coeff"] > 1.01
    words = ["figures", "singular-values", str(bad.path)]
    assert CliRunner().invoke(keras_iresnet_cli.cli, words).exit_code == 1


def test_more_steps_bring_the_image_nearer(out):
    model = RunFolder(out / "runs" / "coeff-0.9").load_best()
    images = next(iter(data.load("digits").test.batch(5))).numpy()
    found = steps_study(model, images, (1, 3, 100))
    assert found.shape == (3, 5)
    assert (found[0] > 1e-3).all()
    assert (found[1] < found[0]).all()
    assert (found[2] < 1e-5).all()


def test_one_step_is_one_step_of_the_iteration(out):
    run = RunFolder(out / "runs" / "coeff-0.9")
    images = next(iter(data.load("digits").test.batch(3))).numpy()
    x = run.load_best().features(images)
    for layer in reversed(run.load_best().layer.layers):
        x = x - layer.branch(x) if hasattr(layer, "branch") else layer.inverse(x)
    expected = np.abs(x - images / 16).mean((1, 2, 3))
    np.testing.assert_allclose(steps_study(run.load_best(), images, (1,))[0], expected, rtol=1e-4)


def test_inverse_steps_compares_coeffs(out, monkeypatch):
    monkeypatch.setattr(inverse_steps, "LABELS", ("coeff-0.9", "coeff-0.5"))  # which are trained already
    arrays, rows = study(inverse_steps.inverse_steps(out, images=10, overrides=TINY, progress=False)[0])
    assert arrays["coeff-0.9"].shape == (len(STEPS), 10)
    at_three = {row["model"]: float(row["mean_abs_error"]) for row in rows if row["steps"] == "3"}
    assert at_three["coeff-0.5"] < at_three["coeff-0.9"]


def test_dynamics_of_both_networks(tmp_path):
    arrays, rows = study(dynamics(tmp_path, size="tiny")[0])
    assert [row["model"] for row in rows] == ["plain", "invertible"]
    for row in rows:
        paths = arrays[row["model"]]
        gaps = np.diff(paths.astype(np.float64), axis=1)
        assert int(row["crossing_pairs"]) == (gaps <= 0).any(0).sum()
        assert float(row["closest_relative_gap"]) == pytest.approx((gaps / gaps[0]).min())
        half = paths[len(paths) // 2]
        assert float(row["rms_error_at_half_depth"]) == pytest.approx(np.sqrt(np.mean((half - paths[0] ** 3) ** 2)))
        assert float(row["rms_error_at_half_depth"]) < 2.5  # x^3 itself has 3.0
    assert rows[1]["crossing_pairs"] == "0"


@pytest.mark.parametrize("experiment", [dynamics, images_from_features])
def test_an_unknown_size_is_refused(experiment, tmp_path):
    with pytest.raises(ValueError, match=r"`size` must be one of .*Received: size='huge'"):
        experiment(tmp_path, size="huge")


def test_the_help_names_the_sizes():
    for name in sweep.SIZES:
        assert re.search(rf"\b{name}\b", keras_iresnet_cli.figures._SIZE)
        assert sweep.SIZES[name].model in ki.zoo.list()
    assert len(re.findall(r"digits|mnist|cifar", keras_iresnet_cli.figures._SIZE)) == len(sweep.SIZES)


def test_overrides_must_be_pairs(tmp_path):
    words = ["figures", "reconstructions", "--out", str(tmp_path), "--set", "epochs"]
    result = CliRunner().invoke(keras_iresnet_cli.cli, words)
    assert result.exit_code == 2
    assert "NAME=VALUE" in result.stderr
