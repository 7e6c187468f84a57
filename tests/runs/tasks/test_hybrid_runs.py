"""A hybrid model through the training command and its experiment."""

import json

import matplotlib.image
import numpy as np
import pytest

from keras_iresnet import data
from keras_iresnet.commands import evaluate_run, sample_run
from keras_iresnet.runs import RunFolder
from keras_iresnet.runs.tasks import joint_task
from keras_iresnet.studies.strangers import strangers

LOOK = 100  # images of the first look
TINY = {"blocks": "1", "channels": "8", "epochs": "3", "batch_size": "64"}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The folder of the experiment, and what it gave; its strangers are the digits upside down."""
    path = tmp_path_factory.mktemp("hybrid")
    splits = data.digits.load()
    turned = [getattr(splits, name).map(lambda image: 16 - image) for name in ("train", "validation", "test")]
    with pytest.MonkeyPatch.context() as patch:
        load = data.load
        others = data.Splits("turned", splits.event_shape, splits.bins, *turned)
        patch.setattr(data, "load", lambda name, **options: others if name == "turned" else load(name, **options))
        patch.setattr(joint_task, "FIRST_LOOK", LOOK)
        found = strangers(path, images=300, strange="turned", overrides=TINY, progress=False)
    return path, found


def test_a_run_reports_both_heads(out):
    run = RunFolder(out[0] / "runs" / "hybrid")
    metrics = json.loads(run.metrics.read_text())
    assert {"samples.png", "confusion.png", "best.keras"} <= {entry.name for entry in run.path.iterdir()}
    images, labels = (np.stack(part) for part in zip(*data.digits.load(labels=True).test, strict=True))
    wrong = run.load_best().predict_proba(images).argmax(-1) != labels
    assert metrics["test_error_percent"] == pytest.approx(100 * wrong.mean())
    assert (metrics["test_images"], metrics["train_images"], metrics["test_bits_per_dim_images"]) == (360, 1293, LOOK)
    assert 0 < metrics["train_error_percent"] < 90
    assert 2 < metrics["test_bits_per_dim"] < 4.1
    assert metrics["best_validation_loss"] > 2
    assert evaluate_run(run.path, split="validation", progress=False, max_passes=1)["validation_images"] == 144
    assert np.load(sample_run(run.path, n=3, out=out[0] / "x.npy")).shape == (3, 8, 8, 1)


def test_a_trained_model_is_calibrated_on_training_images(out):
    path, ((npz, *_), _) = out
    model = RunFolder(path / "runs" / "hybrid").load_best()
    trained = next(iter(data.digits.load().train.batch(LOOK))).numpy()
    assert float(model.typical_log_prob) == pytest.approx(np.mean(model.log_prob(trained, seed=0)), rel=1e-4)
    assert float(np.load(npz)["typical_log_prob"]) == float(model.typical_log_prob)
    assert model.typicality(trained).shape == (LOOK,)


def test_the_experiment_says_how_strangers_are_told(out):
    path, ((npz, *_, picture), (row,)) = out
    arrays = np.load(npz)
    assert (len(arrays["known_log_prob"]), len(arrays["strange_log_prob"])) == (300, 300)
    pairs = arrays["strange_log_prob"][:, None] < arrays["known_log_prob"]
    metrics = RunFolder(path / "runs" / "hybrid").read_metrics()
    for name in ("test_bits_per_dim_standard_error", "test_bits_per_dim_images", "test_images", "train_error_percent"):
        assert row[name] == metrics[name]
    assert row["density_auroc"] == pytest.approx(pairs.mean(), abs=1e-6)
    assert row["density_auroc"] > 0.8
    assert row["typicality_auroc"] > 0.8
    assert matplotlib.image.imread(picture).std() > 0.05
    assert (path / "hybrid.md").read_text().count("|") > 10


def test_an_unknown_size_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`size` must be one of digits, mnist\. Received: size='huge'"):
        strangers(tmp_path, size="huge")
