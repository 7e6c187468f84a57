"""The certificate of blocks that are no residual blocks, alone and the other way round."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import jacobian, leave_identity

import keras_iresnet as ki
from keras_iresnet.evaluation.bias_bound import bias_bound
from keras_iresnet.layers import Chain, DenseBranch, ImplicitBlock, Inverse, InvertibleResidualBlock, MonotoneBlock
from keras_iresnet.ops.bounds import series_bias
from keras_iresnet.ops.bounds.odd_bias import odd_series_bias
from keras_iresnet.ops.odd_series import odd


def branch(coeff=0.9):
    return DenseBranch((6,), coeff=coeff, preactivate=False, activation="relu")


def certified(layer):
    keras.config.set_dtype_policy("float64")
    layer = layer()
    layer.build((None, 4))
    return leave_identity(layer), ki.certify(layer)


CASES = {
    "residual": lambda: InvertibleResidualBlock(branch()),
    "inverse": lambda: Inverse(InvertibleResidualBlock(branch())),
    "twice": lambda: Inverse(Inverse(InvertibleResidualBlock(branch()))),
    "monotone": lambda: MonotoneBlock(branch()),
    "monotone inverse": lambda: Inverse(MonotoneBlock(branch())),
    "implicit": lambda: ImplicitBlock(branch(), branch(0.7)),
    "chain": lambda: Inverse(Chain([InvertibleResidualBlock(branch()), Inverse(InvertibleResidualBlock(branch(0.5)))])),
}
KINDS = {
    "residual": ["residual"],
    "inverse": ["inverse"],
    "twice": ["residual"],
    "monotone": ["monotone"],
    "monotone inverse": ["monotone"],
    "implicit": ["residual", "inverse"],
    "chain": ["inverse", "residual"],
}


@pytest.mark.parametrize("name", CASES)
def test_jacobians_stretch_by_no_more_than_is_certified(name):
    layer, report = certified(CASES[name])
    assert [block.kind for block in report.blocks] == KINDS[name]
    x = tf.constant(3 * np.random.default_rng(0).normal(size=(200, 4)))
    values = np.linalg.svd(jacobian(layer, x), compute_uv=False)
    forward = np.prod([block.lip_forward for block in report.blocks])
    inverse = np.prod([block.lip_inverse for block in report.blocks])
    assert values.max() <= forward
    assert 1 / values.min() <= inverse
    assert max(values.max() / forward, 1 / values.min() / inverse) > 0.2


def test_bounds_are_those_of_the_papers():
    (found,) = certified(CASES["monotone"])[1].blocks
    lip = found.lip
    assert lip == pytest.approx(0.81, rel=1e-3)
    assert found.lip_forward == found.lip_inverse == pytest.approx((1 + lip) / (1 - lip))
    first, second = certified(CASES["implicit"])[1].blocks
    assert first.lip_forward * second.lip_forward == pytest.approx((1 + first.lip) / (1 - second.lip))
    assert first.lip_inverse * second.lip_inverse == pytest.approx((1 + second.lip) / (1 - first.lip))


def test_bias_of_the_odd_series_is_its_own():
    report = certified(CASES["monotone"])[1]
    assert report.series_bias(6) == odd_series_bias(report.bound, 6, 4)
    terms = report.num_terms(1e-4)
    assert report.series_bias(terms) <= 1e-4 < report.series_bias(terms - 1)
    assert certified(CASES["inverse"])[1].series_bias(6) == series_bias(report.bound, 6, 4)


@pytest.mark.parametrize(("name", "bias"), [("residual", series_bias), ("monotone", odd_series_bias)])
def test_bias_of_a_roulette_is_that_of_its_cap(name, bias):
    layer, report = certified(CASES[name])
    for roulette in (ki.RouletteLogDet(), ki.RouletteLogDet(3, 0.7), ki.RouletteLogDet(max_terms=5)):
        own = roulette.for_bound(layer.branch.lip_target)
        terms = own.exact_terms + (odd(own) if name == "monotone" else own).cap(4)
        assert bias_bound(roulette, layer, report) == bias(report.bound, terms, 4)
    assert 1e-3 < bias_bound(ki.RouletteLogDet(max_terms=5), layer, report) < 1
    assert bias_bound(ki.RouletteLogDet(), layer, report) <= 1e-6


def test_bias_bounds_of_roulettes_add_up_and_are_told_of_images():
    layer, report = certified(CASES["implicit"])
    parts = [bias_bound(ki.RouletteLogDet(), block, ki.certify(block)) for block in (layer.layers[0], layer.layers[1])]
    assert bias_bound(ki.RouletteLogDet(), layer, report) == pytest.approx(sum(parts), rel=1e-9)
    assert len(report.blocks) == 2
    keras.config.set_dtype_policy("float32")
    flow = ki.zoo.digits_flow(blocks=(1, 1), channels=4)
    images = np.random.default_rng(0).integers(0, 17, (20, 8, 8, 1), dtype=np.uint8)
    flow.initialize(images)
    for estimator in (ki.RouletteLogDet(), ki.SeriesLogDet(3)):
        found = ki.evaluate_bits_per_dim(flow, images, estimator=estimator, max_passes=1)
        nats = bias_bound(estimator, flow, ki.certify(flow))
        assert found.bias_bound == pytest.approx(nats / (64 * np.log(2)))
        assert f"bias at most {found.bias_bound:.1e}" in str(found)
