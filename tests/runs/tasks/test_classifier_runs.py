"""The training command for classifiers, from the data to the folder."""

import csv
import json
import subprocess
import sys
import textwrap

import keras
import matplotlib.image
import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet import data
from keras_iresnet.commands import evaluate_run, interpolate_run, reconstruct_run, sample_run
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.ops.bounds.conv_bounds import conv_bound
from keras_iresnet.runs import RunFolder, train
from keras_iresnet.runs.tasks import task_of
from keras_iresnet.runs.tensorboard import Diagnostics, gradient_norm_function

TINY = {"blocks": "1,1", "channels": "8", "epochs": "6", "batch_size": "64", "warmup_steps": "2"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A run folder of a tiny classifier of digits, and what `train` returned."""
    path = tmp_path_factory.mktemp("runs") / "digits"
    return RunFolder(path), train("digits_classifier", path, overrides=TINY, progress=False)


def labelled_arrays(split):
    images, labels = zip(*getattr(data.load("digits", labels=True), split).as_numpy_iterator(), strict=True)
    return np.stack(images), np.array(labels)


def test_a_run_leaves_what_the_folder_promises(digits):
    names = {entry.name for entry in digits[0].path.iterdir()} - {state.name for state in digits[0].states()}
    assert names == {
        "config.json", "history.csv", "metrics.json", "best.keras", "confusion.csv", "confusion.png", "tensorboard",
    }  # fmt: skip
    assert digits[0].states()
    assert matplotlib.image.imread(digits[0].path / "confusion.png").shape[0] > 300


@pytest.mark.parametrize("split", ["train", "test"])
def test_error_and_loss_are_those_of_the_best_checkpoint(digits, split):
    run, metrics = digits
    assert json.loads(run.metrics.read_text()) == metrics
    images, labels = labelled_arrays(split)
    probabilities = keras.saving.load_model(run.best).predict_proba(images)
    wrong = probabilities.argmax(-1) != labels
    assert metrics[f"{split}_images"] == len(labels)
    assert metrics[f"{split}_error_percent"] == pytest.approx(100 * wrong.mean())
    assert metrics[f"{split}_loss"] == pytest.approx(
        -np.log(probabilities[np.arange(len(labels)), labels]).mean(), rel=1e-4
    )
    assert metrics[f"{split}_error_percent_standard_error"] == pytest.approx(100 * wrong.std() / len(labels) ** 0.5)
    assert metrics[f"{split}_error_percent"] < 30


def test_confusion_table_counts_the_test_images(digits):
    rows = list(csv.reader((digits[0].path / "confusion.csv").open()))
    counts = np.array([[int(cell) for cell in row[1:]] for row in rows[1:]])
    images, labels = labelled_arrays("test")
    found = digits[0].load_best().predict_proba(images).argmax(-1)
    expected = np.zeros((10, 10), int)
    np.add.at(expected, (labels, found), 1)
    np.testing.assert_array_equal(counts, expected)
    assert np.abs(expected - expected.T).max() > 0  # else rows could be columns


def test_every_test_image_is_reconstructed_and_it_is_said(digits):
    _, metrics = digits
    assert metrics["test_reconstruction_images"] == 360
    assert metrics["test_reconstruction_not_converged"] == metrics["test_reconstruction_not_reconstructed"] == 0
    assert 0 < metrics["test_reconstruction_mean_abs_error"] < metrics["test_reconstruction_worst_image_mean_abs_error"]
    assert metrics["test_reconstruction_worst_image_mean_abs_error"] < 1e-4
    assert metrics["test_reconstruction_mean_steps"] > 4


def test_history_shows_error_and_the_best_epoch_is_the_latest_of_the_smallest(digits):
    run, metrics = digits
    rows = list(csv.DictReader(run.history.open()))
    errors = [float(row["val_error_percent"]) for row in rows]
    assert metrics["best_validation_error_percent"] == pytest.approx(min(errors))
    assert metrics["best_epoch"] == len(errors) - errors[::-1].index(min(errors))
    assert {"loss", "error_percent", "val_loss", "learning_rate"} <= set(rows[0])


def test_norms_of_the_checkpoint_are_at_the_bound_at_most(digits):
    model = keras.saving.load_model(digits[0].best)
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, SpectralLayer)]
    assert len(layers) == 6
    norms = [conv_bound(layer.normalized_kernel(), layer.input_spec.shape[1:3]).norm for layer in layers]
    assert max(norms) > 0.85  # some sit at the bound, else there is nothing to hold
    assert max(norms) < 1.01 * 0.9


def test_evaluate_repeats_the_figures_and_takes_no_options(digits):
    run, metrics = digits
    again = evaluate_run(run.path, progress=False)
    assert again["test_error_percent"] == metrics["test_error_percent"]
    assert again["test_reconstruction_not_converged"] == 0
    with pytest.raises(ValueError, match=r"Classifiers have no options of evaluation\. Received: bias"):
        evaluate_run(run.path, progress=False, bias=1e-3)


def test_reconstruct_draws_images_that_came_back(digits, tmp_path):
    path, figures = reconstruct_run(digits[0].path, n=8, out=tmp_path / "x.npy")
    rows = np.load(path).reshape(2, 8, 8, 8, 1)
    np.testing.assert_array_equal(rows[0], rows[1])
    assert figures["not_converged"] == 0
    assert 0 < figures["mean_abs_error"] < 1e-4


@pytest.mark.parametrize("command", [sample_run, interpolate_run])
def test_what_needs_a_density_refuses_a_classifier(digits, command):
    with pytest.raises(ValueError, match=r"must be one of a flow\. Received: run=.*, of a Classifier"):
        command(digits[0].path)


@pytest.mark.slow
def test_an_unconstrained_run_says_what_did_not_come_back(tmp_path):
    options = TINY | {"coeff": "none", "epochs": "1", "learning_rate": "0.3"}
    metrics = train("digits_classifier", tmp_path, overrides=options, progress=False)
    assert metrics["test_reconstruction_images"] == 200
    assert 0 <= metrics["test_reconstruction_not_converged"] <= 200
    worst = metrics["test_reconstruction_worst_image_mean_abs_error"]
    assert (worst is None or worst >= 1e-3) == (metrics["test_reconstruction_not_reconstructed"] > 0)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["builder"]["coeff"] is None
    assert "--coeff none" in config["command"]


@pytest.mark.slow
def test_a_baseline_without_an_inverse_reports_its_error_alone(tmp_path):
    options = TINY | {"dataset": "digits", "augmentation": "none"}
    del options["warmup_steps"]
    metrics = train("resnet164_classifier", tmp_path, overrides=options, progress=False)
    assert metrics["test_error_percent"] < 30
    assert not [name for name in metrics if "reconstruction" in name]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"dataset": "toy/moons"}, "labelled images. Received: name='toy/moons'"),
        ({"coeff": "2"}, "Received: coeff=2.0"),
        ({"normalization": "batch"}, "Received: coeff=0.9"),
    ],
)
def test_bad_settings_leave_the_folder_free(tmp_path, overrides, message):
    with pytest.raises(ValueError, match=message):
        train("digits_classifier", tmp_path, overrides=TINY | overrides, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_another_number_of_classes_is_refused(digits):
    splits = data.load("digits", labels=True)
    model = digits[0].load_best()
    task = task_of("digits_classifier", {})
    task.check_fit(model, splits)
    fewer = data.Splits("five", splits.event_shape, splits.bins, splits.train, splits.train, splits.train, classes=5)
    with pytest.raises(ValueError, match=r"the 10 classes of this model\. Received: dataset='five', of 5 classes"):
        task.check_fit(model, fewer)


def test_diagnostics_say_norms_gradient_and_inverse(digits, tmp_path):
    model = digits[0].load_best()
    model.compile()
    images, labels = labelled_arrays("validation")
    callback = Diagnostics(tf.summary.create_file_writer(str(tmp_path)), images[:9], labels[:9])
    callback.set_model(model)
    callback.on_epoch_end(0)
    assert any(tmp_path.iterdir())
    with tf.GradientTape() as tape:
        log_probabilities = tf.math.log_softmax(model(images[:9]))
        loss = -tf.reduce_mean(tf.gather(log_probabilities, labels[:9], batch_dims=1))
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_variables])
    expected = np.sqrt(sum(np.sum(np.square(gradient)) for gradient in gradients))
    found = gradient_norm_function(model, labels[:9])(tf.constant(images[:9]))
    assert float(found) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_a_run_on_two_replicas_trains_and_inverts(tmp_path):
    # In a process of its own: logical devices must be made before TensorFlow starts.
    code = f"""
        import tensorflow as tf
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        from keras_iresnet.runs import train
        overrides = {TINY!r}
        metrics = train(
            "digits_classifier", {str(tmp_path / "run")!r}, devices=["CPU:0", "CPU:1"], overrides=overrides
        )
        assert metrics["steps"] == 6 * 20, metrics
        assert metrics["test_error_percent"] < 30, metrics
        assert metrics["test_reconstruction_worst_image_mean_abs_error"] < 1e-4, metrics
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
