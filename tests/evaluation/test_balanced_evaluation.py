"""What balanced probes spare, and that their error is the one that is told: against the exact log-determinant."""

import numpy as np
import pytest
import tensorflow as tf
from oracles import leave_identity
from trained_flow import trained_digits_flow

import keras_iresnet as ki
from keras_iresnet.data import digits
from keras_iresnet.evaluation.bits_per_dim import ImageEvaluator
from keras_iresnet.evaluation.variance import components
from keras_iresnet.layers import ConvBranch, InvertibleResidualBlock, MonotoneBlock
from keras_iresnet.ops.log_det import ExactLogDet
from keras_iresnet.ops.series_to_bias import SeriesToBias

TARGET = 1e-3  # bits/dim, of the probes


@pytest.fixture(scope="module")
def flow():
    return trained_digits_flow()


@pytest.fixture(scope="module")
def images():
    return digits.load_arrays()[0][1500:]


@pytest.fixture
def balanced(monkeypatch, flow):
    monkeypatch.setattr("keras_iresnet.evaluation.bits_per_dim.EXACT_DIMENSION", 10)
    return ImageEvaluator(flow)


def _independent(flow, like):
    counted = tf.Variable([0, 0, 0], dtype=tf.int64)
    return ImageEvaluator(flow, estimator=SeriesToBias(like.estimator.nats, like.estimator.lip, counted=counted))


def _products_for_target(found):
    """Of each image, whole passes: how many of them leave the wanted error to the probes."""
    passes = np.ceil(found.num_noises * (found.probe_standard_error / TARGET) ** 2)
    return passes * found.num_terms


@pytest.mark.slow
def test_balanced_probes_reach_an_error_with_half_of_the_products(flow, balanced, images):
    few = images[:100]  # of all of them a pass of any probes would do
    once, others = (evaluator(few, max_passes=1) for evaluator in (balanced, _independent(flow, balanced)))
    assert others.probe_standard_error > TARGET
    assert _products_for_target(once) <= 0.5 * _products_for_target(others)
    assert once.num_products > 2 * once.num_terms  # two blocks, and the pilot
    assert "products an image" in str(once)
    assert balanced(few, max_passes=1) == once


def test_more_heads_are_taken_where_they_pay(monkeypatch):
    """Many passes of one probe for few images, whose noise hardly matters; groups, which cancel most, are left out."""
    monkeypatch.setattr("keras_iresnet.evaluation.bits_per_dim._GROUP", 1)
    monkeypatch.setattr("keras_iresnet.evaluation.bits_per_dim.EXACT_DIMENSION", 10)
    branch = ConvBranch(8)
    block = InvertibleResidualBlock(branch)
    flow = ki.Flow(ki.layers.Chain([block]), (8, 8, 1), bins=256, prior=ki.priors.StandardNormal())
    leave_identity(branch)
    few = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
    evaluator, options = ImageEvaluator(flow), {"standard_error": 5e-4, "max_passes": 400}
    found, plain = (one(few, **options) for one in (evaluator, _independent(flow, evaluator)))
    assert "heads=1," not in found.estimator
    assert "heads=1," in plain.estimator
    assert found.num_products < 0.5 * plain.num_products
    true = ImageEvaluator(flow, estimator=ExactLogDet())(few, **options)
    error = np.hypot(
        found.probe_standard_error, np.hypot(*[one.dequantization_standard_error for one in (found, true)])
    )
    assert found.probe_standard_error <= 5e-4
    assert abs(found.mean - true.mean) <= 4 * error + found.bias_bound
    assert evaluator(few, **options) == found  # the heads of before are not left over


def test_a_monotone_flow_is_evaluated_by_the_odd_series(monkeypatch):
    monkeypatch.setattr("keras_iresnet.evaluation.bits_per_dim.EXACT_DIMENSION", 10)
    branch = ConvBranch(8)
    flow = ki.Flow(ki.layers.Chain([MonotoneBlock(branch)]), (4, 4, 1), bins=256, prior=ki.priors.StandardNormal())
    leave_identity(branch)
    images, options = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 1), dtype=np.uint8), {"max_passes": 4}
    found, true = (
        ImageEvaluator(flow)(images, **options),
        ImageEvaluator(flow, estimator=ExactLogDet())(images, **options),
    )
    assert "SeriesToBias" in found.estimator
    assert found.num_products > 2
    noises = [one.dequantization_standard_error for one in (found, true)]
    assert abs(found.mean - true.mean) <= 4 * np.hypot(found.probe_standard_error, np.hypot(*noises)) + found.bias_bound


def test_errors_that_cancel_in_a_group_count_as_little_as_they_are():
    rng, found = np.random.default_rng(0), []
    for _ in range(300):
        errors = rng.normal(0, 1, (2, 2, 6, 4))
        errors -= 0.9 * errors.mean(-1, keepdims=True)  # of the mean of four a tenth is left
        found.append(components(errors.reshape(2, 2, 24), np.repeat(np.arange(6), 4)).probe)
    assert np.mean(found) == pytest.approx(0.01, abs=4 * np.std(found) / np.sqrt(300))


@pytest.mark.slow
def test_95_percent_intervals_cover_the_exact_value(balanced, flow, images):
    exact, covered = ImageEvaluator(flow, estimator=ExactLogDet()), 0
    for seed in range(100):
        true, found = (evaluator(images, seed=seed, max_passes=1) for evaluator in (exact, balanced))
        covered += abs(found.mean - true.mean) <= 1.96 * found.probe_standard_error + found.bias_bound
    assert 89 <= covered <= 100
