import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_iresnet import layers
from keras_iresnet.analysis.evaluation import default_estimator, evaluate_bits_per_dim, evaluate_log_likelihood
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import ExactLogDet, SeriesLogDet


def _affine_flow(points):
    """A flow that is exactly the diagonal Gaussian with the mean and deviation of `points`."""
    flow = Flow(layers.Chain([layers.ActNorm()]), points.shape[1:], learned_prior=False)
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


def _identity_image_flow():
    flow = Flow(layers.Chain([layers.ActNorm()]), (1, 1, 1), bins=4, learned_prior=False)
    flow.layer.initialize(np.float32([-1, 1]).reshape(2, 1, 1, 1))  # mean 0, deviation 1: ActNorm changes nothing
    return flow


def test_bits_per_dim_is_the_mean_over_the_dequantization_noise():
    # y = u / 4 for u uniform, under a standard Gaussian: bits = (ln sqrt(2 pi) + y^2 / 2) / ln 2 + log2(4).
    result = evaluate_bits_per_dim(_identity_image_flow(), np.zeros((20_000, 1, 1, 1), np.uint8), batch_size=5000)
    expected = (0.5 * math.log(2 * math.pi) + (1 / 16) / 3 / 2) / math.log(2) + 2
    deviation = math.sqrt(1 / 5 - 1 / 9) / 16 / 2 / math.log(2)
    assert result.standard_error == pytest.approx(deviation / math.sqrt(20_000), rel=0.05)
    assert abs(result.mean - expected) < 4 * result.standard_error
    assert (result.unit, result.examples, result.dimension, result.bins) == ("bits/dim", 20_000, 1, 4)


def test_bits_per_dim_depends_on_the_seed_alone_and_differs_between_batches():
    flow, images = _identity_image_flow(), np.zeros((64, 1, 1, 1), np.uint8)
    first, again = (evaluate_bits_per_dim(flow, images, seed=3) for _ in range(2))
    other = evaluate_bits_per_dim(flow, images, seed=4)
    assert first == again
    assert first.mean != other.mean
    # with the same noise in each batch of one image there would be no spread at all
    assert evaluate_bits_per_dim(flow, images, batch_size=1).standard_error > 0


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


def test_bits_per_dim_of_points_is_refused(points):
    with pytest.raises(ValueError, match="`bins`"):
        evaluate_bits_per_dim(_affine_flow(points), points)


def test_data_that_do_not_fit_are_refused(points):
    flow = _affine_flow(points)
    with pytest.raises(ValueError, match=r"shape \(2,\)\. Received: shape=\(3,\)"):
        evaluate_log_likelihood(flow, np.zeros((5, 3), "float32"))
    with pytest.raises(ValueError, match="without labels"):
        evaluate_log_likelihood(flow, tf.data.Dataset.from_tensor_slices((points, points)))
    with pytest.raises(ValueError, match="at least 1 example"):
        evaluate_log_likelihood(flow, points[:0])
