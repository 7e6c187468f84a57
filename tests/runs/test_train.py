import csv
import functools
import itertools
import json
import shutil

import keras
import matplotlib.image
import numpy as np
import pytest

from keras_iresnet import data
from keras_iresnet.commands import evaluate_run, sample_run
from keras_iresnet.evaluation import evaluate_bits_per_dim
from keras_iresnet.layers import NotConvergedError
from keras_iresnet.runs import RunFolder, fitting, train
from keras_iresnet.runs.schedule import Budget
from keras_iresnet.runs.state.state_file import read_state, write_state
from keras_iresnet.runs.tasks.density_task import DensityTask

TINY = {"blocks": "1", "channels": "4", "epochs": "2", "batch_size": "256", "warmup_steps": "2"}
TINY_TOY = {"blocks": 1, "units": (8,), "epochs": 1, "batch_size": 5000, "dataset": "toy/8gaussians"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A run folder of a tiny flow of digits, and what `train` returned."""
    path = tmp_path_factory.mktemp("runs") / "digits"
    return RunFolder(path), train("digits_flow", path, overrides=TINY, progress=False)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "toy"
    return RunFolder(path), train("toy_flow", path, overrides=TINY_TOY, progress=False)


def test_a_run_leaves_what_the_folder_promises(digits):
    run, _ = digits
    names = {entry.name for entry in run.path.iterdir()}
    assert names == {
        "config.json", "history.csv", "metrics.json", "best.keras", "samples.png", "tensorboard",
        "last.000000000.state", "last.000000010.state",
    }  # fmt: skip
    assert any(run.tensorboard.rglob("events.*"))


def test_metrics_are_returned_and_written(digits):
    run, metrics = digits
    assert json.loads(run.metrics.read_text()) == metrics
    assert (metrics["epochs"], metrics["steps"], metrics["test_images"]) == (2, 2 * (1293 // 256), 360)
    assert (metrics["dimension"], metrics["bins"]) == (64, 17)
    assert metrics["parameters"] == RunFolder(run.path).load_best().count_params() - _untrained(run)
    assert 2 < metrics["test_bits_per_dim"] < 4.1  # log2(17) = 4.09 is the uniform's
    assert 0 < metrics["test_bits_per_dim_standard_error"] < 0.1
    assert 0 < metrics["train_seconds"] < metrics["total_seconds"]


def _untrained(run):
    return sum(int(np.prod(weight.shape)) for weight in run.load_best().non_trainable_weights)


def test_config_says_what_was_run(digits):
    config = digits[0].read_config()
    assert config["name"] == "digits_flow"
    assert config["command"] == (
        "keras-iresnet train digits_flow --blocks 1 --channels 4 --epochs 2 --batch-size 256 --warmup-steps 2"
    )
    assert (config["recipe"]["epochs"], config["recipe"]["dataset"]) == (2, "digits")
    assert (config["builder"]["blocks"], config["builder"]["coeff"]) == ([1], 0.9)
    assert config["data"] == {
        "name": "digits", "event_shape": [8, 8, 1], "bins": 17, "train": 1293, "validation": 144, "test": 360,
    }  # fmt: skip
    assert config["versions"]["keras"] == keras.__version__


def test_history_has_a_row_an_epoch_and_improves(digits):
    run, metrics = digits
    rows = list(csv.DictReader(run.history.open()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert float(rows[1]["bits_per_dim"]) < float(rows[0]["bits_per_dim"])
    best = min(float(row["val_bits_per_dim"]) for row in rows)
    assert metrics["best_validation_bits_per_dim"] == pytest.approx(best)
    assert [row["steps"] for row in rows] == ["5", "10"]


def test_best_checkpoint_gives_the_test_figure(digits):
    run, metrics = digits
    flow = keras.saving.load_model(run.best)
    result = evaluate_bits_per_dim(flow, data.load("digits").test, seed=0, max_passes=1)
    assert result.mean == pytest.approx(metrics["test_bits_per_dim"], abs=1e-5)


def test_samples_are_a_picture_of_eight_by_eight_digits(digits):
    assert matplotlib.image.imread(digits[0].samples).shape[:2] == (8 * 49 - 1, 8 * 49 - 1)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(digits, tmp_path):
    _, metrics = digits
    again = train("digits_flow", tmp_path / "a", overrides=TINY, progress=False)
    other = train("digits_flow", tmp_path / "b", overrides=TINY | {"seed": "1"}, progress=False)
    assert again["best_validation_bits_per_dim"] == pytest.approx(metrics["best_validation_bits_per_dim"], abs=1e-4)
    assert abs(other["best_validation_bits_per_dim"] - metrics["best_validation_bits_per_dim"]) > 1e-4


@pytest.mark.slow
def test_a_prior_of_several_components_is_trained_along(digits, tmp_path):
    metrics = train("digits_flow", tmp_path, overrides=TINY | {"prior_components": "3"}, progress=False)
    best = keras.saving.load_model(tmp_path / "best.keras")
    assert np.ptp(best.prior.loc.numpy(), 0).max() > 0.1
    assert metrics["test_bits_per_dim"] < digits[1]["test_bits_per_dim"] - 0.02


def test_minutes_end_the_training(tmp_path, monkeypatch):
    # Half a second goes by each time the clock is read: by the machine's own, a busy one would not reach three epochs.
    clock = itertools.count(0.0, 0.5).__next__
    monkeypatch.setattr(fitting, "Budget", functools.partial(Budget, clock=clock))
    metrics = train("digits_flow", tmp_path, overrides=TINY | {"epochs": "none", "minutes": 0.4}, progress=False)
    assert metrics["epochs"] > 2
    assert metrics["train_seconds"] >= 24
    rows = list(csv.DictReader((tmp_path / "history.csv").open()))
    assert float(rows[-1]["learning_rate"]) < 0.25 * float(rows[0]["learning_rate"])


def test_a_toy_is_measured_in_nats_and_drawn_beside_its_data(toy):
    run, metrics = toy
    assert metrics["test_points"] == 20_000
    assert -6 < metrics["test_log_likelihood_nats"] < -2.5
    assert metrics["best_validation_log_likelihood_nats"] == pytest.approx(metrics["test_log_likelihood_nats"], abs=0.1)
    assert "bins" not in metrics
    height, width = matplotlib.image.imread(run.samples).shape[:2]
    assert width > 2.5 * height


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "no_flow"}, "Received: name='no_flow'"),
        ({"overrides": {"chanels": 1}}, "Received: chanels"),
        ({"overrides": {"dataset": "mnits"}}, "Received: name='mnits'"),
        ({"overrides": {"dataset": "toy/moons"}}, "Received: dataset='toy/moons', of shape \\(2,\\) with bins=None"),
        ({"overrides": {"minutes": 0}}, "`minutes`"),
        ({"devices": ["GPU:99"]}, "`devices`"),
        ({"overrides": {"batch_size": 5000}}, "batch_size=5000"),
        ({"overrides": {"conditional": "true", "dataset": "toy/moons"}}, "labelled images. Received: name='toy/moons'"),
    ],
)
def test_bad_arguments_are_refused_and_leave_the_folder_free(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        train(**{"name": "digits_flow", "out": tmp_path, "progress": False} | arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_run_is_refused(digits):
    with pytest.raises(ValueError, match="holds a run of digits_flow"):
        train("toy_flow", digits[0].path, progress=False)


def test_evaluate_run_repeats_the_figures_and_adds_those_of_another_split(digits):
    run, metrics = digits
    again = evaluate_run(run.path, progress=False, max_passes=1)
    assert again["test_bits_per_dim"] == pytest.approx(metrics["test_bits_per_dim"])
    found = evaluate_run(run.path, split="validation", seed=5, progress=False, max_passes=1)
    assert found["validation_images"] == 144
    written = run.read_metrics()
    assert written["validation_bits_per_dim"] == found["validation_bits_per_dim"]
    assert written["steps"] == metrics["steps"]


def test_evaluate_run_refuses_another_split(digits):
    with pytest.raises(ValueError, match=r"train, validation, test\. Received: split='dev'"):
        evaluate_run(digits[0].path, split="dev")


def test_sample_run_draws_by_seed_and_temperature(digits, tmp_path):
    run, _ = digits
    arrays = []
    for options in ({}, {}, {"seed": 1}, {"temperature": 0.1}):
        arrays.append(np.load(sample_run(run.path, n=5, out=tmp_path / "x.npy", **options)))
    first, again, other, cold = arrays
    assert (first.shape, first.dtype) == ((5, 8, 8, 1), np.uint8)
    assert first.max() <= 16
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.1
    assert np.std(cold.astype(float), 0).mean() < 0.5 * np.std(first.astype(float), 0).mean()


def test_images_are_sampled_without_their_data(digits, monkeypatch, tmp_path):
    monkeypatch.setattr("keras_iresnet.data.load", None)
    assert np.load(sample_run(digits[0].path, n=2, out=tmp_path / "x.npy")).shape == (2, 8, 8, 1)


def test_sample_run_names_its_picture_by_the_settings(digits):
    path = sample_run(digits[0].path, n=3, temperature=0.5, seed=2)
    assert path == digits[0].path / "samples-seed2-temperature0.5.png"
    assert matplotlib.image.imread(path).shape[:2] == (97, 97)


def test_sample_run_refuses_what_it_cannot_write(digits, tmp_path):
    with pytest.raises(ValueError, match=r"\.png or \.npy"):
        sample_run(digits[0].path, out=tmp_path / "x.gif")
    with pytest.raises(FileNotFoundError, match="`out`"):
        sample_run(digits[0].path, out=tmp_path / "a" / "x.png")
    with pytest.raises(ValueError, match="`n` must be at least 1"):
        sample_run(digits[0].path, n=0)


def test_a_flow_that_cannot_be_inverted_is_reported_by_sample_run(digits, tmp_path):
    run = RunFolder(tmp_path)
    flow = digits[0].load_best()
    for weight in flow.trainable_weights:
        if "kernel" in weight.path:
            weight.assign(1e3 * weight)
    for weight in flow.non_trainable_weights:
        if weight.path.endswith("/u"):
            weight.assign(0 * weight)  # a sigma of 0: nothing is normalised any more
    keras.saving.save_model(flow, run.best)  # the flow's own `save` would mend sigma
    run.config.write_text(digits[0].config.read_text())
    with pytest.raises(NotConvergedError):
        sample_run(tmp_path, n=2)


@pytest.fixture
def ended(digits, tmp_path, monkeypatch):
    """A copy of the run of digits that was killed after its last state, to go on with, unevaluated."""
    run = RunFolder(tmp_path / "ended")
    shutil.copytree(digits[0].path, run.path)
    run.best.unlink()
    run.metrics.unlink()
    monkeypatch.setattr(DensityTask, "final_figures", lambda *_, **__: {})
    monkeypatch.setattr(DensityTask, "draw", lambda *_, **__: None)
    return run


def test_a_run_that_was_killed_after_its_last_state_goes_on_to_the_same_end(digits, ended, monkeypatch):
    arrays, facts = read_state(ended.states()[0])
    write_state(ended.states()[0], arrays, facts | {"position": facts["position"] | {"seconds": 1000.0}})
    ended.write_json(ended.config, ended.read_config() | {"data_dir": "elsewhere"})
    asked, load = [], data.load
    monkeypatch.setattr(
        data, "load", lambda *args, **options: asked.append(options["data_dir"]) or load(*args, **options)
    )
    (first, metrics), again = digits, train(resume=ended.path, progress=False)
    assert asked == ["elsewhere"]
    assert ended.read_config()["resumed"][0]["command"].endswith("--data-dir elsewhere")
    assert again["total_seconds"] > again["train_seconds"] == 1000.0
    assert all(map(np.array_equal, ended.load_best().get_weights(), first.load_best().get_weights()))
    assert [again[key] for key in ("best_epoch", "steps")] == [metrics[key] for key in ("best_epoch", "steps")]


def test_a_second_run_in_a_folder_is_refused_and_leaves_it_alone(tmp_path):
    for folder in ({"out": tmp_path}, {"resume": tmp_path}):
        with RunFolder(tmp_path).locked(), pytest.raises(ValueError, match="another process trains in it"):
            train("digits_flow", **folder, overrides=TINY, progress=False)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [{"overrides": {"dataset": "toy/moons"}}, {"overrides": {"dataset": "no_such_set"}}, {"devices": ["TPU:9"]}],
)
def test_a_training_that_is_refused_leaves_no_folder(options, tmp_path):
    with pytest.raises(ValueError, match="Received"):
        train("digits_flow", tmp_path / "run", progress=False, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_run_begins_with_the_weights_of_another(digits, tmp_path):
    source = digits[0]
    keywords = source.read_config()["overrides"]
    overrides = {**keywords, "epochs": 1, "steps_per_epoch": 1, "learning_rate": 1e-9, "minutes": None, "steps": None}
    train("digits_flow", tmp_path / "more", init_from=source.path, overrides=overrides, progress=False)
    run = RunFolder(tmp_path / "more")
    for new, old in zip(run.load_best().trainable_weights, source.load_best().trainable_weights, strict=True):
        np.testing.assert_allclose(new, old, atol=1e-6)
    assert run.read_config()["init_from"] == str(source.path)
    assert f"--init-from {source.path}" in run.read_config()["command"]
    # An interrupted run goes on from its own files, whatever became of the other.
    for name, changes in (("config.json", {"init_from": str(tmp_path / "gone")}), ("metrics.json", None)):
        read = json.loads((run.path / name).read_text())
        (run.path / name).write_text(json.dumps({} if changes is None else read | changes))
    train(resume=run.path, progress=False)
    assert "total_seconds" in run.read_metrics()
    with pytest.raises(ValueError, match="`init_from` must be a run of the same architecture"):
        train("digits_flow", tmp_path / "x", init_from=source.path, overrides={"channels": 3}, progress=False)
    assert not (tmp_path / "x").exists()
