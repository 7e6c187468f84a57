import numpy as np
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.evaluation.pictures import PAIRED_COLUMNS, paired
from keras_iresnet.evaluation.reconstruction import round_trip


@pytest.fixture(scope="module")
def flow():
    flow = ki.zoo.digits_flow(blocks=(1,), channels=4, seed=0)
    flow.initialize(_images(64))
    return flow


def _images(n):
    return np.random.default_rng(0).integers(0, 17, (n, 8, 8, 1), dtype=np.uint8)


def test_images_come_back_and_the_figures_are_those_of_the_inverse(flow):
    images = _images(5)
    found = round_trip(flow, images, seed=3)
    np.testing.assert_array_equal(found.examples, images)
    x = flow.to_data(images, seed=3)
    back, report = flow.inverse_and_report(flow.forward(x))
    error = abs(back - x).numpy()
    assert found.figures.max_abs_error == pytest.approx(error.max())
    assert found.figures.mean_abs_error == pytest.approx(error.mean())
    assert 0 < found.figures.mean_abs_error < found.figures.max_abs_error < 1e-5
    assert found.figures.mean_steps == pytest.approx(np.mean(report.steps))
    assert found.figures.max_steps == max(report.steps.numpy()) > 1
    assert found.figures.max_residual == pytest.approx(max(report.residual.numpy()))
    assert found.figures.not_converged == 0


def test_a_flow_that_cannot_be_inverted_is_in_the_figures_not_an_error():
    flow = ki.zoo.digits_flow(blocks=(1,), channels=4, seed=0)
    flow.initialize(_images(64))
    for weight in flow.trainable_weights:
        weight.assign(1e3 * weight if "kernel" in weight.path else weight)
    for weight in flow.non_trainable_weights:
        if weight.path.endswith("/u"):
            weight.assign(0 * weight)  # a sigma of 0: nothing is normalised any more
    found = round_trip(flow, _images(5), seed=0)
    assert found.figures.not_converged == 5
    assert found.examples.dtype == np.uint8


def test_an_inverse_that_ran_away_is_infinitely_far_off(flow, monkeypatch):
    inverse, lost = flow.inverse_and_report, tf.constant([False, False, True, False, False])

    def ran_away(z, **options):
        x, report = inverse(z, **options)
        x = tf.where(lost[:, None, None, None], np.nan, x)
        residual = tf.where(lost, np.nan, report.residual)
        return x, report._replace(residual=residual, converged=report.converged & ~lost)

    monkeypatch.setattr(flow, "inverse_and_report", ran_away)
    found = round_trip(flow, _images(5), seed=0).figures
    assert found.max_abs_error == found.mean_abs_error == found.max_residual == np.inf
    assert found.not_converged == 1


def test_points_are_inverted_too():
    flow = ki.zoo.toy_flow(blocks=1, units=(4,))
    points = np.random.default_rng(0).normal(size=(7, 2)).astype("float32")
    np.testing.assert_allclose(round_trip(flow, points, seed=0).examples, points, atol=1e-5)


@pytest.mark.parametrize("n", [1, PAIRED_COLUMNS, PAIRED_COLUMNS + 3])
def test_each_reconstruction_is_under_its_original(n):
    originals = np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1)
    rows = paired(originals, originals + 100, bins=256).reshape(-1, PAIRED_COLUMNS)
    assert len(rows) == 2 * -(-n // PAIRED_COLUMNS)
    for i in range(n):
        above, below = rows[2 * (i // PAIRED_COLUMNS) : 2 * (i // PAIRED_COLUMNS) + 2, i % PAIRED_COLUMNS]
        assert (above, below) == (i, i + 100)
    assert np.all(rows.ravel()[-1] == (255 if n % PAIRED_COLUMNS else n + 99))
