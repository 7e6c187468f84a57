"""What is told of a run that is there: by `evaluate`, `certify` and `figures`, as functions and as commands."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from oracles import operator_norm

import keras_iresnet as ki
from keras_iresnet import data
from keras_iresnet.commands import evaluate_run
from keras_iresnet.evaluation.certificate_picture import certified_norms
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.runs import RunFolder
from keras_iresnet.runs.held_out import held_out_images
from keras_iresnet.runs.tasks.density_figures import density_figures
from keras_iresnet.studies.trace_estimator import trace_study
from keras_iresnet_cli import cli


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder as `train` leaves it, with a flow that was initialised alone."""
    run = RunFolder.create(tmp_path_factory.mktemp("run"))
    flow = ki.zoo.digits_flow(blocks=(1,), channels=4, seed=0)
    flow.initialize(data.digits.load_arrays()[0][:200])
    run.save(run.best, flow)
    run.write_json(run.config, {"name": "digits_flow", "builder": {}, "recipe": {"dataset": "digits", "seed": 3}})
    run.write_json(run.metrics, {"epochs": 1})
    return run


def _invoke(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_figures_are_those_of_the_evaluation_and_go_into_the_metrics(run):
    found = evaluate_run(run.path, split="validation", standard_error=0.003, progress=False)
    images = np.stack(list(data.load("digits").validation.as_numpy_iterator()))
    expected = ki.evaluate_bits_per_dim(run.load_best(), images, standard_error=0.003, seed=3)
    assert expected.num_noises > 1
    assert found == {
        "validation_bits_per_dim": pytest.approx(expected.mean, abs=1e-6),
        "validation_bits_per_dim_standard_error": pytest.approx(expected.standard_error),
        "validation_bits_per_dim_image_standard_error": pytest.approx(expected.image_standard_error),
        "validation_bits_per_dim_dequantization_standard_error": pytest.approx(expected.dequantization_standard_error),
        "validation_bits_per_dim_probe_standard_error": 0.0,
        "validation_bits_per_dim_bias_bound": 0.0,
        "validation_num_terms": None,
        "validation_num_probes": 0,
        "validation_num_noises": expected.num_noises,
        "validation_num_products": None,
        "validation_images": 144,
        "validation_log_det": "ExactLogDet()",
        "dimension": 64,
        "bins": 17,
    }
    metrics = json.loads(run.metrics.read_text())
    assert metrics["epochs"] == 1
    assert metrics["validation_bits_per_dim"] == found["validation_bits_per_dim"]


def test_evaluate_command_takes_the_protocol(run):
    result = _invoke("evaluate", run.path, "--num-terms", 3, "--standard-error", 0.5, "--seed", 1)
    assert result.exit_code == 0, result.output
    metrics = json.loads(run.metrics.read_text())
    assert (metrics["test_num_terms"], metrics["test_num_noises"], metrics["test_num_probes"]) == (3, 1, 1)
    assert metrics["test_bits_per_dim_probe_standard_error"] > 0
    assert f"{metrics['test_bits_per_dim']:.4f} ± {metrics['test_bits_per_dim_standard_error']:.4f}" in result.stdout
    assert f"{metrics['test_bits_per_dim_probe_standard_error']:.4g}" in result.stdout
    assert json.dumps(metrics, allow_nan=False)
    passes = _invoke("evaluate", run.path, "--num-terms", 1, "--standard-error", 1e-9, "--max-passes", 2)
    assert passes.exit_code == 0, passes.output
    assert json.loads(run.metrics.read_text())["test_num_noises"] == 2


def test_evaluate_command_refuses_what_cannot_be(run):
    result = _invoke("evaluate", run.path, "--bias", 0)
    assert result.exit_code == 2
    assert "`bias` must be positive. Received: bias=0.0" in result.stderr


def test_a_bias_without_a_bound_is_null_in_the_metrics():
    block = ki.layers.InvertibleResidualBlock(keras.layers.DepthwiseConv2D(1, depthwise_initializer="zeros"))
    flow = ki.Flow(ki.layers.Chain([block]), (1, 1, 1), bins=4)
    images = tf.data.Dataset.from_tensor_slices(np.zeros((3, 1, 1, 1), np.uint8))
    splits = data.Splits("zeros", (1, 1, 1), 4, images, images, images)
    found = density_figures(flow, splits, "test", seed=0, progress=False, num_terms=2, max_passes=1)
    assert found["test_bits_per_dim_bias_bound"] is None


def test_points_have_no_protocol():
    flow = ki.zoo.toy_flow(blocks=1, units=(4,))
    splits = data.load("toy/moons")
    with pytest.raises(ValueError, match="Received: num_terms"):
        density_figures(flow, splits, "test", seed=0, progress=False, num_terms=2)


def test_certify_command_prints_the_report(run):
    result = _invoke("certify", run.path)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(ki.certify(run.load_best()))
    assert "Certified: the bounds of all 1 branches" in result.stdout


def test_certify_command_draws_bounds_estimates_and_norms(run, tmp_path):
    path = tmp_path / "norms.png"
    result = _invoke("certify", run.path, "--picture", path)
    assert (result.exit_code, result.exception) == (0, None)
    assert path.read_bytes()[:4] == b"\x89PNG"
    flow = run.load_best()
    norms = certified_norms(flow, ki.certify(flow))
    layers = [layer for layer in flow._flatten_layers() if isinstance(layer, SpectralLayer)]
    exact = sorted(operator_norm(layer, layer.normalized_kernel()) for layer in layers)
    np.testing.assert_allclose(sorted(one.norm for one in norms), exact, rtol=1e-6)
    assert all(one.estimate * (1 - 1e-5) <= one.norm <= one.bound for one in norms)
    assert _invoke("certify", run.path, "--picture", tmp_path / "norms.txt").exit_code != 0


def test_certify_command_fails_where_nothing_is_proved(run, tmp_path):
    other = RunFolder.create(tmp_path / "run")
    block = ki.layers.InvertibleResidualBlock(keras.layers.DepthwiseConv2D(1, depthwise_initializer="zeros"))
    other.save(other.best, ki.Flow(ki.layers.Chain([block]), (8, 8, 1), bins=17))
    other.write_json(other.config, run.read_config())
    result = _invoke("certify", other.path)
    assert result.exit_code == 1
    assert "Not certified" in result.stdout


def test_contract_mends_a_run_whose_estimates_went_wrong(run, tmp_path, monkeypatch):
    monkeypatch.setattr(SpectralLayer, "converge", lambda self: None)  # or saving would mend them
    other, flow = RunFolder.create(tmp_path / "run"), run.load_best()
    for layer in flow._flatten_layers():
        if isinstance(layer, SpectralLayer):
            layer.kernel.assign(9 * layer.kernel)
            layer.u.assign(0.5 * layer.u)  # the estimate is half of the norm, the kernel in use twice too large
    other.save(other.best, flow)
    other.write_json(other.config, run.read_config())
    assert _invoke("certify", other.path).exit_code == 1
    result = _invoke("certify", other.path, "--contract")
    assert result.exit_code == 0, result.output
    assert "kernels were scaled" in result.stdout
    assert ki.certify(other.load_best()).bound <= 0.9**3
    assert other.read_metrics()["certified"]
    assert "\n0 of 3 kernels" in "\n" + _invoke("certify", other.path, "--contract").stdout


def test_figures_command_writes_arrays_table_and_picture(run, tmp_path):
    out = tmp_path / "a" / "figures"
    words = ("--images", 3, "--num-terms", 4, "--num-probes", 5, "--seed", 2)
    result = _invoke("figures", "trace-estimator", run.path, "--out", out, *words)
    assert result.exit_code == 0, result.output
    names = [f"trace_estimator.{ending}" for ending in ("npz", "csv", "png")]
    assert result.stdout.split() == [str(out / name) for name in names]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    chosen = held_out_images(run, 3, seed=2, data_dir=None).images
    expected = trace_study(run.load_best(), chosen, num_terms=4, num_probes=5, seed=2)
    with np.load(out / names[0]) as arrays:
        assert arrays["estimates"].shape == (4, 5, 3)
        np.testing.assert_allclose(arrays["estimates"], expected.estimates, rtol=1e-5, atol=1e-7)
    assert (out / names[1]).read_text().startswith("num_terms,bias,")
    assert (out / names[2]).read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("words", [("certify",), ("figures", "trace-estimator", "--out", "x")])
def test_a_folder_without_a_run_is_refused(words, tmp_path):
    result = _invoke(*words, tmp_path)
    assert result.exit_code == 2
    assert "must be a run folder" in result.stderr
