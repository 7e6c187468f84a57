"""Figures of classifiers against counts made by hand."""

import matplotlib.image
import numpy as np
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.evaluation.classification import ClassEvaluation, evaluate_classifier, save_confusion
from keras_iresnet.evaluation.reconstruction import BATCH, Reconstruction, evaluate_reconstruction
from keras_iresnet.layers import Chain, ConvBranch, InvertibleResidualBlock


@pytest.fixture(scope="module")
def clf():
    """Two classes; the first where the single pixel is dark."""
    clf = ki.Classifier(Chain([]), (1, 1, 1), 2, bins=5)
    clf.head.norm.gamma.assign([(1 + clf.head.norm.epsilon) ** 0.5])  # exactly the identity
    clf.head.dense.kernel.assign([[-4.0, 4.0]])
    clf.head.dense.bias.assign([2.0, -2.0])
    return clf


def labelled(pixels, labels):
    return tf.data.Dataset.from_tensor_slices((np.reshape(pixels, (-1, 1, 1, 1)).astype("uint8"), labels))


def test_counts_error_and_loss(clf):
    pixels, labels = [0, 1, 3, 4, 4, 0], np.array([0, 1, 1, 1, 0, 1])
    found = evaluate_classifier(clf, labelled(pixels, labels))
    np.testing.assert_array_equal(found.confusion, [[1, 1], [2, 2]])
    assert (found.images, found.error_percent) == (6, pytest.approx(50))
    assert found.error_percent_standard_error == pytest.approx(100 * (0.25 / 6) ** 0.5)
    margins = 4 - 8 * np.array(pixels) / 4  # logit of class 0 less that of class 1
    expected = np.log1p(np.exp(np.where(labels == 0, -margins, margins))).mean()
    assert found.loss == pytest.approx(expected, rel=1e-5)


def test_confusion_is_drawn_and_tabled(tmp_path):
    found = ClassEvaluation(np.array([[7, 1], [0, 12]]), 0.5)
    save_confusion(found, tmp_path / "c.png", "title")
    assert matplotlib.image.imread(tmp_path / "c.png").std() > 0.05
    found.save_table(tmp_path / "c.csv")
    assert (tmp_path / "c.csv").read_text().split() == ["class,0,1", "0,7,1", "1,0,12"]


def test_reconstruction_of_every_image_in_order():
    # A block so weak that one step is not enough, but a few are; its scale makes the error of max_steps visible.
    block = InvertibleResidualBlock(ConvBranch(4, coeff=0.5), max_steps=3)
    clf = ki.Classifier(Chain([block]), (4, 4, 1), 2, bins=5)
    for weight in block.branch.trainable_variables:
        weight.assign(weight + 1.0)
    images = np.random.default_rng(0).integers(0, 5, (BATCH + 7, 4, 4, 1), dtype=np.uint8)
    found = evaluate_reconstruction(clf, tf.data.Dataset.from_tensor_slices(images))
    back = clf.invert(clf.features(images)).images.numpy()
    error = np.abs(back - images / 4)
    assert not found.converged.any()
    np.testing.assert_allclose(found.errors, error.mean((1, 2, 3)), rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(found.largest_errors, error.max((1, 2, 3)), rtol=1e-3, atol=1e-7)
    assert found.errors.min() > 1e-5
    assert set(found.steps) == {3}
    assert len(evaluate_reconstruction(clf, tf.data.Dataset.from_tensor_slices(images), limit=9).errors) == 9


def test_figures_of_images_that_ran_away_are_none_rather_than_infinite():
    errors = np.array([0.0, 2e-3, np.inf])
    found = Reconstruction(errors, 2 * errors, np.array([True, True, False]), np.array([1, 2, 6])).figures()
    assert found == {
        "mean_abs_error": None, "median_abs_error": 2e-3, "worst_image_mean_abs_error": None, "max_abs_error": None,
        "mean_steps": 3.0, "not_converged": 1, "not_reconstructed": 2, "images": 3,
    }  # fmt: skip
