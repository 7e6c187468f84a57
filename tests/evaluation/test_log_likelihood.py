import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_iresnet import layers
from keras_iresnet.evaluation.log_likelihood import default_estimator, evaluate_log_likelihood
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import ExactLogDet, SeriesLogDet
from keras_iresnet.priors import StandardNormal


def _affine_flow(points):
    """A flow that is exactly the diagonal Gaussian with the mean and deviation of `points`."""
    flow = Flow(layers.Chain([layers.ActNorm()]), points.shape[1:], prior=StandardNormal())
    flow.initialize(points)
    return flow


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).normal([1.0, -2.0], [0.5, 3.0], (257, 2)).astype("float32")


def test_log_likelihood_is_that_of_the_gaussian_that_the_flow_is(points):
    held_out = np.random.default_rng(1).normal(0, 2, (101, 2)).astype("float32")
    result = evaluate_log_likelihood(_affine_flow(points), held_out, batch_size=25)
    expected = stats.norm(points.mean(0), points.std(0)).logpdf(held_out).sum(-1)
    assert result.mean == pytest.approx(expected.mean(), rel=1e-5)
    assert result.standard_error == pytest.approx(stats.sem(expected), rel=1e-4)
    assert (result.unit, result.examples, result.dimension, result.bins) == ("nats", 101, 2, None)


@pytest.mark.parametrize(
    "form", [tf.data.Dataset.from_tensor_slices, lambda x: tf.data.Dataset.from_tensor_slices(x).batch(100), np.asarray]
)
def test_log_likelihood_does_not_depend_on_how_the_data_come(points, form):
    flow = _affine_flow(points)
    expected = float(tf.reduce_mean(flow.log_prob(points)))
    result = evaluate_log_likelihood(flow, form(points), batch_size=60)
    assert result.mean == pytest.approx(expected, rel=1e-5)
    assert result.examples == len(points)


def test_one_example_has_no_standard_error(points):
    assert math.isnan(evaluate_log_likelihood(_affine_flow(points), points[:1]).standard_error)


def test_log_det_is_exact_where_the_dimension_is_small():
    assert default_estimator(2) == ExactLogDet()
    assert default_estimator(128) == ExactLogDet()
    assert default_estimator(784) == SeriesLogDet(num_terms=20, num_probes=4)


def test_the_estimator_is_used_and_named(points):
    branch = layers.DenseBranch((8,), coeff=0.9)
    block = layers.InvertibleResidualBlock(branch, estimator=SeriesLogDet(1, 1))
    flow = Flow(layers.Chain([block]), (2,), seed=0)
    flow.initialize(points)
    exact = evaluate_log_likelihood(flow, points)
    series = evaluate_log_likelihood(flow, points, estimator=SeriesLogDet(2, 1))
    assert exact.estimator == "ExactLogDet()"
    assert series.estimator == "SeriesLogDet(num_terms=2, num_probes=1)"
    assert exact.mean == pytest.approx(float(tf.reduce_mean(flow.log_prob(points, estimator=ExactLogDet()))), rel=1e-5)
    assert series.standard_error > 1.02 * exact.standard_error  # the noise of a probe


def test_data_that_do_not_fit_are_refused(points):
    flow = _affine_flow(points)
    with pytest.raises(ValueError, match=r"shape \(2,\)\. Received: shape=\(3,\)"):
        evaluate_log_likelihood(flow, np.zeros((5, 3), "float32"))
    with pytest.raises(ValueError, match="without labels"):
        evaluate_log_likelihood(flow, tf.data.Dataset.from_tensor_slices((points, points)))
    with pytest.raises(ValueError, match="at least 1 example"):
        evaluate_log_likelihood(flow, points[:0])
