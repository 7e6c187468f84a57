"""Bits/dim beyond 128 dimensions of flows without residual blocks: there is no series, and no block to share a bias."""

import math

import numpy as np
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.comparison.contestants import CONTESTANTS
from keras_iresnet.evaluation.bits_per_dim import ImageEvaluator
from keras_iresnet.evaluation.own_log_dets import OwnLogDets

SHAPE = (8, 8, 3)  # 192 values
IMAGES = np.random.default_rng(0).integers(0, 256, (8, *SHAPE), dtype=np.uint8)
RIVALS = sorted(set(CONTESTANTS) - {"iresnet"})


def _flow(name):
    """One of the rivals as a comparison builds it, away from the identity."""
    keywords = CONTESTANTS[name].keywords("images", SHAPE, blocks=1, width=4)
    flow = getattr(ki.baselines, name)(SHAPE, bins=256, seed=0, **keywords)
    flow.initialize(IMAGES)
    rng = np.random.default_rng(1)
    for weight in flow.trainable_weights:
        weight.assign_add(0.02 * rng.normal(size=weight.shape))
    return flow


@pytest.mark.parametrize("name", RIVALS)
def test_rivals_are_evaluated_beyond_128_dimensions(name):
    flow = _flow(name)
    found = ki.evaluate_bits_per_dim(flow, IMAGES, max_passes=1)
    again = ki.evaluate_bits_per_dim(flow, IMAGES, max_passes=1, seed=1)
    assert found.num_terms is None
    assert found.num_products is None
    assert 5 < found.mean < 20
    assert abs(found.mean - again.mean) < 5 * math.hypot(
        found.dequantization_standard_error, found.probe_standard_error
    ) * math.sqrt(2)
    if name == "ffjord":
        assert (found.bias_bound, found.num_probes, found.estimator) == (math.inf, 1, "OwnLogDets()")
        assert found.probe_standard_error > 0
    else:
        assert (found.bias_bound, found.num_probes, found.estimator) == (0, 0, "ExactLogDet()")
        assert found.probe_standard_error == 0


def test_an_own_estimate_has_the_mean_of_the_exact_trace_and_its_error():
    x = np.random.default_rng(0).normal(size=(3, 8)).astype("float32")
    flow = ki.baselines.ffjord((8,), blocks=1, units=(8,), seed=0)
    flow.initialize(x)
    for weight in flow.trainable_weights:
        weight.assign_add(0.3 * np.random.default_rng(1).normal(size=weight.shape))
    exact = flow.log_prob(x, estimator=ki.ExactLogDet()).numpy()
    own = tf.function(lambda seed: flow.log_prob(x, seed, estimator=OwnLogDets()), autograph=False)
    draws = np.stack([own(tf.constant([0, index])) for index in range(200)])
    error = draws.std(0, ddof=1) / math.sqrt(len(draws))
    assert error.min() > 1e-3
    assert np.all(np.abs(draws.mean(0) - exact) < 4 * error)


def test_a_number_of_terms_gives_an_own_estimate_no_bound():
    assert ImageEvaluator(_flow("ffjord"), num_terms=5).bias_bound == math.inf
    assert ImageEvaluator(_flow("nice"), num_terms=5).bias_bound == 0


def test_a_residual_block_is_not_left_to_itself():
    flow = ki.zoo.image_flow((4, 4, 1), bins=17, blocks=(1,), channels=4, seed=0)
    with pytest.raises(TypeError, match="flows without residual blocks"):
        flow.log_prob(np.full((2, 4, 4, 1), 0.5, "float32"), seed=0, estimator=OwnLogDets())
