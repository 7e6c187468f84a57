"""`scripts/benchmark.py` at a size at which its figures mean nothing, and the models it compares."""

import dataclasses
import functools
import importlib.util
import json
import math
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from keras_iresnet import zoo
from keras_iresnet.benchmarks import norm_control, training_step, turns
from keras_iresnet.benchmarks.workload import FORMS, Workload, build_flow
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer

TINY = Workload(blocks=(1, 1), channels=4, size=8, batch_size=4, num_terms=3)
ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)


def test_both_forms_are_the_same_flow(images):
    dual, taped = (build_flow(form, TINY) for form in FORMS)
    for ours, theirs in zip(dual.get_weights(), taped.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    zero = tf.zeros((1, 8, 8, 3), tf.uint8)
    for flow in (dual, taped):
        flow.initialize(images)
        flow(zero, training=True)
    log_det = dual.forward_and_log_det(dual.to_data(images, seed=1), seed=2)[1]
    assert np.all(np.abs(log_det) > 1)
    np.testing.assert_allclose(dual.log_prob(images, seed=1), taped.log_prob(images, seed=1), rtol=1e-5)


def test_sizes_reach_the_model():
    flow = build_flow("dual", dataclasses.replace(TINY, channels=6, num_terms=7))
    kernels = [tuple(layer.kernel.shape) for layer in flow._flatten_layers() if isinstance(layer, SpectralLayer)]
    squeezed = [(3, 3, 12, 6), (1, 1, 6, 6), (3, 3, 6, 12)]
    halved_and_squeezed = [(3, 3, 24, 6), (1, 1, 6, 6), (3, 3, 6, 24)]
    assert sorted(kernels) == sorted(squeezed + halved_and_squeezed)
    estimators = [layer.estimator for layer in flow._flatten_layers() if hasattr(layer, "estimator")]
    assert {estimator.num_terms for estimator in estimators} == {7}


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match=r"one of dual, taped\. Received: form='exact'"):
        build_flow("exact", TINY)


def test_a_step_trains():
    step = training_step.TrainingStep(build_flow("dual", TINY), TINY.batch_size)
    before = [value.numpy() for value in step.model.trainable_variables]
    assert step() > 0
    assert all(np.any(a != b) for a, b in zip(before, step.model.trainable_variables, strict=True))


def test_a_loss_that_is_not_finite_is_no_timing():
    step = training_step.TrainingStep(build_flow("dual", TINY), TINY.batch_size)
    step.model.prior.loc.assign(tf.fill(step.model.prior.loc.shape, float("nan")))
    with pytest.raises(FloatingPointError, match="Received: loss=nan"):
        step()


def test_a_ratio_is_the_median_of_pairwise_ratios():
    comparison = turns.Comparison({"one": (1.0, 2.0, 4.0), "two": (3.0, 4.0, 20.0), "three": (1.0, 1.0, 1.0)})
    summary = comparison.summary()
    assert summary["pairs"] == 3
    assert summary["two_over_one"] == 3.0
    assert summary["two_over_one_range"] == [2.0, 5.0]
    assert summary["three_over_one"] == 0.5
    assert summary["one_seconds"] == 2.0
    assert summary["two_seconds_range"] == [3.0, 20.0]


def test_steps_are_taken_in_turn_one_order_after_the_other(monkeypatch):
    taken = []

    class Step:
        def __init__(self, model, batch_size):
            self.model, self.batch_size = model, batch_size

        def __call__(self):
            taken.append((self.model, self.batch_size))
            return float(len(taken))

    monkeypatch.setattr(training_step, "TrainingStep", Step)
    found = training_step.compare({"a": "first", "b": "second"}, 7, pairs=2, warm_up=1)
    assert [model for model, _ in taken] == ["first", "second"] * 2 + ["second", "first"]
    assert {size for _, size in taken} == {7}
    assert found.seconds == {"a": (3.0, 6.0), "b": (4.0, 5.0)}


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("benchmark_script", ROOT / "scripts" / "benchmark.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.benchmark


@pytest.mark.slow
def test_the_script_shows_a_table_and_writes_json_that_names_no_folder(script, tmp_path):
    sizes = "--scales 1 --blocks 1 --channels 2 --size 4 --batch-size 2 --num-terms 2 --pairs 3"
    out = tmp_path / "step.json"
    shown = CliRunner().invoke(script, ["step", *sizes.split(), "--out", str(out)], catch_exceptions=False)
    assert shown.exit_code == 0
    result = json.loads(out.read_text())
    assert result["pairs"] == 3
    assert result["taped_over_dual_range"][0] <= result["taped_over_dual"] <= result["taped_over_dual_range"][1]
    assert f"{result['taped_over_dual']:.3f}" in shown.stdout
    roofline, facts = result["rooflines"]["dual"], result["facts"]["dual"]
    assert roofline["share"] == pytest.approx(facts["alone_seconds"] / result["dual_seconds"])
    assert roofline["gflop"] < result["rooflines"]["taped"]["gflop"]
    assert f"{roofline['share']:.0%} of the {roofline['gflop_per_second_alone']:.0f}" in shown.stdout
    assert result["workload"]["blocks"] == [1]
    assert result["machine"]["cores"] >= 1
    assert not [path for path in (ROOT, tmp_path, pathlib.Path.home()) if str(path) in out.read_text()]


@pytest.mark.slow
def test_memory_is_measured_by_terms(script, tmp_path):
    sizes = "--scales 1 --blocks 1 --channels 2 --size 4 --batch-size 2 --pairs 1 --terms 2 --terms 3"
    out = tmp_path / "memory.json"
    shown = CliRunner().invoke(script, ["memory", *sizes.split(), "--out", str(out)], catch_exceptions=False)
    costs = json.loads(out.read_text())["costs_by_num_terms"]
    assert {form: list(found) for form, found in costs.items()} == {"dual": ["2", "3"], "taped": ["2", "3"]}
    taped = costs["taped"]["3"]
    assert f"{taped['operations']:,}" in shown.stdout
    assert taped["operations"] > costs["taped"]["2"]["operations"]
    assert taped["peak_memory_mib"] > 100


def test_a_step_of_points_can_be_timed():
    step = training_step.TrainingStep(zoo.toy_flow(blocks=1, units=(4,)), 3)
    assert step.batch.shape == (3, 2)
    assert step() > 0


@pytest.mark.slow
def test_cost_of_a_model_is_that_of_its_step_in_another_process(script, tmp_path, monkeypatch):
    monkeypatch.setattr(training_step, "in_a_process_of_its_own", lambda function, *arguments: function(*arguments))
    measured, small = training_step.model_cost, {"keywords": {"blocks": (1,), "channels": 2}}
    monkeypatch.setattr(training_step, "model_cost", lambda name, **options: measured(name, **options | small))
    out = tmp_path / "models.json"
    words = ["trace", "digits_flow", "--batch-size", "2", "--steps", "2", "--mixed", "--out", str(out)]
    shown = CliRunner().invoke(script, words, catch_exceptions=False)
    result = json.loads(out.read_text())
    cost, low = (result["models"][name] for name in ("digits_flow", "digits_flow, mixed_bfloat16"))
    assert low["parameters"] == cost["parameters"]
    assert low["operations"] > cost["operations"]  # it casts
    assert result["mixed_speedups"]["digits_flow"] == cost["step_seconds"] / low["step_seconds"]
    assert f"{cost['step_seconds'] / low['step_seconds']:.2f} times as fast" in shown.stdout
    flow = zoo.digits_flow(blocks=(1,), channels=2)
    assert cost["parameters"] == sum(math.prod(weight.shape) for weight in flow.trainable_weights)
    assert 0 < cost["step_seconds"] < cost["first_step_seconds"]
    parts = cost["build_seconds"] + cost["trace_seconds"] + cost["first_step_seconds"]
    assert parts < cost["seconds_to_first_step"] < parts + 60  # what else there is: initialising
    assert f"{cost['operations']:,}" in shown.stdout


def test_blocks_are_shared_by_the_scales_of_a_model():
    assert training_step.shared_blocks("cifar_flow", 96) == (32, 32, 32)
    with pytest.raises(ValueError, match=r"shared equally by 3 scales\. Received: blocks=50"):
        training_step.shared_blocks("cifar_flow", 50)


def test_a_step_of_a_classifier_trains():
    step = training_step.TrainingStep(zoo.digits_classifier(blocks=(1,), channels=2, strides=(1,)), 4)
    before = [value.numpy() for value in step.model.trainable_variables]
    assert step() > 0
    assert all(np.any(a != b) for a, b in zip(before, step.model.trainable_variables, strict=True))


@pytest.mark.slow
def test_the_script_compares_a_classifier_with_and_without_its_constraint(script, tmp_path, monkeypatch):
    built = []

    def builder(**keywords):
        built.append(zoo.digits_classifier(**keywords, blocks=(1,), channels=2, strides=(1,)))
        return built[-1]

    entry = dataclasses.replace(zoo.get("digits_classifier"), builder=builder)
    monkeypatch.setattr(zoo, "get", lambda name: entry)
    out = tmp_path / "classifier.json"
    counts = ["--power-iterations", "1", "--power-iterations", "3"]
    words = ["classifier", "--batch-size", "2", "--pairs", "3", *counts, "--out", str(out)]
    shown = CliRunner().invoke(script, words, catch_exceptions=False)
    assert shown.exit_code == 0
    layers = [[layer for layer in model._flatten_layers() if isinstance(layer, SpectralLayer)] for model in built]
    assert [{layer.coeff for layer in part} for part in layers] == [{None}, {0.9}, {0.9}]
    assert [{layer.power_iterations for layer in part} for part in layers[1:]] == [{1}, {3}]
    result = json.loads(out.read_text())
    assert (result["model"], result["batch_size"], result["pairs"]) == ("cifar10_classifier", 2, 3)
    ratio = result["constrained_3_over_vanilla"]
    assert result["constrained_3_over_vanilla_range"][0] <= ratio <= result["constrained_3_over_vanilla_range"][1]
    assert f"{ratio:.3f}" in shown.stdout


@pytest.mark.slow
def test_the_script_tells_what_holds_the_norms(script, tmp_path, monkeypatch):
    keywords = {"blocks": (1,), "channels": 16, "strides": (1,)}
    monkeypatch.setattr(
        norm_control, "train_normalized", functools.partial(norm_control.train_normalized, keywords=keywords)
    )
    out = tmp_path / "normalization.json"
    words = ["normalization", "--power-iterations", "1", "--steps", "60", "--out", str(out)]
    shown = CliRunner().invoke(script, words, catch_exceptions=False)
    assert shown.exit_code == 0
    found = json.loads(out.read_text())["by_power_iterations"]["1"]
    assert len(found["largest_on_the_way"]) == 10
    assert max(found["largest_on_the_way"]) > 1.02  # a running estimate is below the norm
    plain, more, converged = found["held"]
    assert (plain["ending"], more["ending"], converged["ending"]) == ("nothing", "50 more", "converged")
    assert plain["largest"] == found["largest_on_the_way"][-1]
    assert plain["largest"] + 1e-3 > more["largest"] > converged["largest"] + 1e-3
    assert (plain["above"] > 0) == (plain["largest"] > 1.01)
    assert converged["above"] == 0
    assert converged["largest"] == pytest.approx(1, abs=2e-3)
    assert f"{plain['largest']:.4f}" in shown.stdout


@pytest.mark.slow
def test_memory_grows_with_the_terms_of_the_taped_form_alone():
    workload = Workload(blocks=(2,), channels=128, batch_size=64)

    def growth(form):
        few, many = (training_step.cost(form, dataclasses.replace(workload, num_terms=terms)) for terms in (2, 16))
        return many.peak_memory_mib - few.peak_memory_mib

    grown = growth("taped")
    assert grown > 300  # MiB: else the workload is too small to tell
    assert growth("dual") < 0.25 * grown
