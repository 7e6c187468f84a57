"""What experiments do before and after their training, without it: their runs are an untrained network's."""

import json

import numpy as np
import pytest
import tensorflow as tf
from study_case import study

import keras_iresnet as ki
from keras_iresnet import data
from keras_iresnet.runs import RunFolder, resolve
from keras_iresnet.runs.state.resume import identity
from keras_iresnet.studies import error_by_coeff, images_from_features, inverse_steps, singular_values, strangers, sweep

DIVERGED = {"vanilla": None}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run of a network that nobody trained."""
    run = RunFolder.create(tmp_path_factory.mktemp("untrained"))
    run.save(run.best, ki.zoo.digits_classifier(blocks=(1, 1), channels=4, seed=0))
    recipe = {"dataset": "digits", "seed": 0}
    run.write_json(run.config, {"name": "digits_classifier", "builder": {}, "recipe": recipe})
    run.write_json(run.metrics, dict.fromkeys(error_by_coeff._METRICS, 2.5))
    return run


@pytest.fixture
def calls(monkeypatch):
    """Paths that would have been trained in; training without a constraint diverges."""
    seen = []

    def train(name, out=None, *, resume=None, overrides, **_):
        seen.append((out or resume).name)
        if overrides["coeff"] is None:
            raise FloatingPointError("The loss must stay finite; it became nan at step 3.")

    monkeypatch.setattr(sweep, "train", train)
    return seen


def give(monkeypatch, module, run, **others):
    """Let an experiment's sweep give one run for all labels, but for `others`."""
    monkeypatch.setattr(module, "sweep", lambda size, labels, out, **_: dict.fromkeys(labels, run) | others)


def test_reconstructions_without_training(run, tmp_path, monkeypatch):
    give(monkeypatch, images_from_features, run)
    paths, rows = images_from_features.images_from_features(tmp_path, images=2)
    arrays, written = study(paths)
    assert [row["model"] for row in written] == ["coeff-0.9"] * 2 + ["vanilla"] * 2
    assert arrays["originals"].shape == (2, 8, 8, 1)
    np.testing.assert_allclose(arrays["vanilla"], arrays["originals"] / 16, atol=1e-4)
    assert all(row["reconstructed"] for row in rows)


def test_reconstructions_say_that_the_vanilla_network_diverged(run, tmp_path, monkeypatch):
    give(monkeypatch, images_from_features, run, **DIVERGED)
    arrays, rows = study(images_from_features.images_from_features(tmp_path, images=2)[0])
    assert [(row["model"], row["diverged"]) for row in rows[1:]] == [("coeff-0.9", "False"), ("vanilla", "True")]
    assert rows[-1]["mean_abs_error"] == ""
    assert "vanilla" not in arrays


def test_inverse_steps_without_training(run, tmp_path, monkeypatch):
    monkeypatch.setattr(inverse_steps, "sweep", lambda *_, **__: {"coeff-0.9": run})
    paths, rows = inverse_steps.inverse_steps(tmp_path, images=2)
    errors = study(paths)[0]["coeff-0.9"].mean(1)
    assert errors[0] > 1e-3 > 1e-5 > errors[-1]
    assert [row["steps"] for row in rows] == list(inverse_steps.STEPS)


def test_singular_values_say_that_the_vanilla_network_diverged(run, tmp_path, monkeypatch):
    monkeypatch.setattr(singular_values, "LABELS", ("vanilla", "coeff-0.9"))
    give(monkeypatch, singular_values, run, **DIVERGED)
    paths, summary = singular_values.singular_values_sweep(tmp_path)
    rows = study(paths)[1]
    assert [row["diverged"] for row in rows] == ["True"] + ["False"] * 6
    assert [(row["run"], row["diverged"]) for row in summary] == [("vanilla", True), ("coeff-0.9", False)]
    assert summary[0]["largest_norm"] is None
    assert summary[1]["largest_norm"] == max(float(row["norm"]) for row in rows[1:])


@pytest.mark.parametrize(("overrides", "published"), [({"epochs": 3}, 0.38), ({"blocks": (1, 1, 1)}, None)])
def test_error_by_coeff_without_training(overrides, published, run, tmp_path, monkeypatch):
    give(monkeypatch, error_by_coeff, run, **DIVERGED)
    paths, rows = error_by_coeff.error_by_coeff(tmp_path, size="paper-mnist", overrides=overrides)
    assert [row["diverged"] for row in rows] == [True] + [False] * 5
    assert rows[0]["published_error_percent"] == published
    np.testing.assert_array_equal(study(paths)[0]["test_error_percent"], [np.nan] + [2.5] * 5)


@pytest.mark.parametrize("experiment", [images_from_features.images_from_features, inverse_steps.inverse_steps])
def test_images_that_are_not_there_are_missed_before_the_training(experiment, tmp_path, calls):
    with pytest.raises(ValueError, match=r"must lie in 1 to 360\. Received: n=500"):
        experiment(tmp_path, images=500)
    assert not calls


def test_a_network_without_constraint_may_diverge(tmp_path, calls):
    runs = sweep.sweep("digits", ["vanilla", "coeff-0.9"], tmp_path, progress=False)
    assert calls == ["vanilla", "coeff-0.9"]
    assert runs["vanilla"] is None
    assert runs["coeff-0.9"].path == tmp_path / "runs" / "coeff-0.9"


def test_a_constrained_network_may_not(tmp_path, monkeypatch):
    def train(*_, **__):
        raise FloatingPointError("nan")

    monkeypatch.setattr(sweep, "train", train)
    with pytest.raises(FloatingPointError):
        sweep.sweep("digits", ["coeff-0.9"], tmp_path)


def test_settings_of_all_labels_are_checked_before_any_trains(tmp_path, calls):
    last = RunFolder(tmp_path / "runs" / "coeff-0.5")
    last.path.mkdir(parents=True)
    settings = resolve("digits_classifier", {"epochs": 7, "coeff": 0.5})
    last.config.write_text(json.dumps(identity(settings) | {"overrides": settings.overrides}))
    with pytest.raises(ValueError, match=r"own settings.*coeff-0\.5: epochs=60, not 7"):
        sweep.sweep("digits", ["coeff-0.9", "coeff-0.5"], tmp_path)
    assert not calls
    sweep.sweep("digits", ["coeff-0.9", "coeff-0.5"], tmp_path, overrides={"epochs": "7"})
    assert calls == ["coeff-0.9", "coeff-0.5"]


@pytest.mark.parametrize("label", ["vanilla", "coeff-0.9"])
def test_what_is_varied_cannot_be_set(label, tmp_path, calls):
    with pytest.raises(ValueError, match=r"leave what the experiment varies\. Received: coeff='0\.7'"):
        sweep.sweep("digits", [label], tmp_path, overrides={"coeff": "0.7"})
    assert not calls


def test_an_unknown_size_is_refused(tmp_path, calls):
    with pytest.raises(ValueError, match=r"`size` must be one of .*Received: size='huge'"):
        sweep.sweep("huge", ["vanilla"], tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strange": "coloured"}, r"`images` must have 1 channels\. Received: shape=\(2, 8, 8, 3\)"),
        ({"images": 0}, r"`images` must be at least 1\. Received: images=0"),
        ({"overrides": {"epoch": 1}}, r"A field of hybrid_classifier must be one of"),
    ],
)
def test_what_a_hybrid_cannot_be_shown_is_refused_before_the_training(options, message, tmp_path, monkeypatch):
    coloured = tf.data.Dataset.from_tensor_slices(np.zeros((5, 8, 8, 3), np.uint8))
    others = data.Splits("coloured", (8, 8, 3), 256, coloured, coloured, coloured)
    load = data.load
    monkeypatch.setattr(data, "load", lambda name, **where: others if name == "coloured" else load(name, **where))
    monkeypatch.setattr(strangers, "train", None)
    with pytest.raises(ValueError, match=message):
        strangers.strangers(tmp_path, **{"images": 2, "strange": "digits", **options})
