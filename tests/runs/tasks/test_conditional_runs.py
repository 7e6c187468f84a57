"""The training command for p(x | c), from the labels to the folder."""

import itertools
import json

import matplotlib.image
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import keras_iresnet as ki
from keras_iresnet import data
from keras_iresnet.commands import evaluate_run, interpolate_run, reconstruct_run, sample_run
from keras_iresnet.evaluation.likelihood_classifier import LikelihoodClassifier
from keras_iresnet.runs import RunFolder, train
from keras_iresnet.runs.tasks import task_of
from keras_iresnet.runs.tensorboard import Diagnostics, Pictures, gradient_norm_function
from keras_iresnet_cli import cli

TINY = {"conditional": "true", "blocks": "1,1", "channels": "16", "epochs": "8", "batch_size": "64"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A run folder of a tiny flow of digits by class, and what `train` returned."""
    path = tmp_path_factory.mktemp("runs") / "digits"
    return RunFolder(path), train("digits_flow", path, overrides=TINY, progress=False)


def labelled(split):
    return tuple(np.stack(part) for part in zip(*getattr(data.digits.load(labels=True), split), strict=True))


def test_a_run_learns_the_classes_and_says_so(digits):
    run, metrics = digits
    assert json.loads(run.metrics.read_text()) == metrics
    assert {"samples.png", "best.keras", "history.csv"} <= {entry.name for entry in run.path.iterdir()}
    assert metrics["test_images"] == 360
    assert metrics["test_error_percent"] < 50  # 90 by chance
    assert metrics["test_loss"] < np.log(10)
    assert metrics["best_validation_bits_per_dim"] == pytest.approx(metrics["test_bits_per_dim"], abs=0.15)


@pytest.mark.slow
def test_a_prior_of_several_components_begins_from_labelled_images(tmp_path):
    train("digits_flow", tmp_path, overrides=TINY | {"epochs": "1", "prior_components": "2"}, progress=False)
    prior = RunFolder(tmp_path).load_best().prior.loc.numpy()
    assert np.ptp(prior, 0).max() > 0.1


def test_bits_per_dim_are_those_of_the_density_of_the_label(digits):
    flow, metrics = digits[0].load_best(), digits[1]
    images, labels = labelled("test")
    own, other = (
        flow.bits_per_dim(images, 1, estimator=ki.ExactLogDet(), condition=c) for c in (labels, (labels + 1) % 10)
    )
    error = np.std(own) / len(labels) ** 0.5
    assert metrics["test_bits_per_dim_standard_error"] == pytest.approx(error, rel=0.1)
    noise = metrics["test_bits_per_dim_dequantization_standard_error"]  # the images are the same
    assert metrics["test_bits_per_dim"] == pytest.approx(np.mean(own), abs=4 * 2**0.5 * noise)
    assert np.mean(other) > np.mean(own) + 4 * error


@pytest.mark.slow
def test_evaluate_adds_the_figures_of_another_split(digits):
    run, metrics = digits
    found = evaluate_run(run.path, split="validation", progress=False, num_terms=5, max_passes=1)
    assert found["validation_images"] == 144
    assert found["validation_num_terms"] == 5
    assert found["validation_error_percent"] < 50
    assert run.read_metrics()["test_error_percent"] == metrics["test_error_percent"]


def test_samples_have_one_row_a_class(digits, tmp_path):
    run, _ = digits
    assert matplotlib.image.imread(run.samples).shape[:2] == (10 * 49 - 1, 10 * 49 - 1)
    samples = np.load(sample_run(run.path, out=tmp_path / "x.npy"))
    assert len(samples) == 100
    found = LikelihoodClassifier(run.load_best()).logits(samples).numpy().argmax(-1)
    assert np.mean(found == np.repeat(np.arange(10), 10)) > 0.5
    assert len(np.load(sample_run(run.path, n=7, out=tmp_path / "x.npy"))) == 7


def test_sample_command_draws_the_digit_asked_for(digits, tmp_path):
    run, _ = digits
    words = ["sample", str(run.path), "--label", "3", "--n", "40"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(run.path / "samples-label3-seed0-temperature1.png")
    samples = np.load(sample_run(run.path, label=3, n=40, out=tmp_path / "x.npy"))
    found = LikelihoodClassifier(run.load_best()).logits(samples).numpy().argmax(-1)
    assert np.mean(found == 3) > 0.5
    wrong = CliRunner().invoke(cli, [*words, "--label", "12"])
    assert wrong.exit_code == 2
    assert "Labels must lie in [0, 10). Received: 12" in wrong.stderr


def test_label_of_a_run_without_classes_is_refused(tmp_path):
    run = RunFolder.create(tmp_path / "run")
    run.save(run.best, ki.zoo.digits_flow(blocks=(1,), channels=4))
    run.write_json(run.config, {"name": "digits_flow", "builder": {}, "recipe": {"dataset": "digits", "seed": 0}})
    with pytest.raises(ValueError, match=r"`label` must be none .* Received: label=3"):
        sample_run(run.path, label=3)


def test_reconstructions_are_at_the_images_labels(digits, tmp_path):
    _, figures = reconstruct_run(digits[0].path, n=16, out=tmp_path / "x.npy")
    rows = np.load(tmp_path / "x.npy").reshape(2, 2, 8, 8, 8, 1)
    np.testing.assert_array_equal(rows[:, 0], rows[:, 1])
    assert 0 < figures["max_abs_error"] < 1e-4
    assert figures["not_converged"] == 0


def test_paths_lead_from_image_to_image_whatever_their_labels(digits, tmp_path):
    walks = np.load(interpolate_run(digits[0].path, pairs=3, steps=4, out=tmp_path / "x.npy"))
    images = labelled("test")[0]
    for walk in walks:
        assert [bool(np.any(np.all(images == image, (1, 2, 3)))) for image in walk] == [True, False, False, True]


@pytest.mark.slow
def test_tensorboard_shows_the_density_at_the_labels(digits, tmp_path):
    flow = digits[0].load_best()
    flow.compile()
    images, labels = (part[:9] for part in labelled("validation"))
    writer = tf.summary.create_file_writer(str(tmp_path))
    pictures = Pictures(writer, images, labels, clock=itertools.count(0, 100).__next__)
    for callback in (pictures, Diagnostics(writer, images, condition=labels)):
        callback.set_model(flow)
        callback.on_train_begin()
        callback.on_epoch_end(0)
    writer.flush()
    event = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert all(tag in event for tag in (b"samples", b"reconstructions", b"inverse/not_converged"))
    norms = [float(gradient_norm_function(flow, condition=c)(tf.constant(images))) for c in (labels, (labels + 1) % 10)]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(flow.bits_per_dim(images, (0, 0), condition=labels))
    gradients = tape.gradient(loss, [weight.value for weight in flow.trainable_variables])
    assert norms[0] == pytest.approx(float(tf.linalg.global_norm(gradients)), rel=1e-4)
    assert abs(norms[1] / norms[0] - 1) > 1e-2


def test_another_number_of_classes_is_refused(digits):
    splits = data.load("digits", labels=True)
    task = task_of("digits_flow", {"conditional": True})
    fewer = data.Splits("five", splits.event_shape, splits.bins, splits.train, splits.train, splits.train, classes=5)
    with pytest.raises(ValueError, match=r"the 10 classes of this model\. Received: dataset='five', of 5 classes"):
        task.check_fit(digits[0].load_best(), fewer)
