"""Properties are found by running: each of a model that has it and of one that has not."""

import numpy as np
import pytest
import tensorflow as tf
from oracles import jacobian, log_abs_det

import keras_iresnet as ki
from keras_iresnet.comparison.likelihoods import _in_float64, dense_jacobian, likelihood_of
from keras_iresnet.comparison.properties import input_of, main_layer, properties_of

POINTS = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
IMAGES = np.random.default_rng(0).integers(0, 17, (40, 4, 4, 1), dtype=np.uint8)


def _away(flow, examples):
    """The flow with weights that are far from those of before training."""
    flow.initialize(examples)
    rng = np.random.default_rng(1)
    for weight in main_layer(flow).trainable_weights:
        weight.assign(0.7 * rng.normal(size=weight.shape))
    return flow


def _iresnet(estimator=None):
    estimator = estimator or ki.ExactLogDet()
    block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((16, 16), coeff=0.8), estimator=estimator)
    return ki.Flow(ki.layers.Chain([ki.layers.ActNorm(), block, ki.layers.ActNorm()]), (3,), seed=0)


BUILDERS = {
    "iresnet": _iresnet,
    "nice": lambda: ki.baselines.nice((3,), blocks=2, units=(8, 8), seed=0),
    "glow": lambda: ki.baselines.glow((3,), blocks=2, units=(8, 8), seed=0),
    "maf": lambda: ki.baselines.maf((3,), blocks=2, units=(8, 8), seed=0),
}


@pytest.fixture(scope="module")
def found():
    return {name: properties_of(_away(build(), POINTS), POINTS) for name, build in BUILDERS.items()}


def test_a_residual_block_alone_is_free_form(found):
    assert [name for name, one in found.items() if one.free_form] == ["iresnet"]


def test_additive_couplings_alone_preserve_the_volume(found):
    assert [name for name, one in found.items() if one.volume_preserving] == ["nice"]


def test_couplings_alone_have_an_analytic_inverse(found):
    assert [name for name, one in found.items() if one.analytic_inverse] == ["nice", "glow"]
    assert found["maf"].inverse_steps == 2 * 3  # a pass for each dimension, of each of two layers
    assert found["iresnet"].inverse_steps > 2


def test_passes_are_counted(found):
    assert all(one.forward_passes == 1 for one in found.values())
    assert [found[name].inverse_passes for name in ("nice", "glow", "maf")] == [1, 1, 3]
    assert found["iresnet"].inverse_passes > 2


def test_log_determinants_are_exact(found):
    assert {one.likelihood for one in found.values()} == {"exact"}
    assert max(one.log_det_error_nats for one in found.values()) < 1e-4


@pytest.mark.parametrize(
    ("estimator", "likelihood"),
    [
        (ki.SeriesLogDet(1), "biased"),
        (ki.SeriesLogDet(12), "biased"),
        (ki.SeriesLogDet(12, num_probes=3), "biased"),
        (ki.RouletteLogDet(), "unbiased"),
    ],
)
def test_a_cut_series_is_biased_and_roulette_is_not(estimator, likelihood):
    one = properties_of(_away(_iresnet(estimator), POINTS), POINTS)
    assert one.likelihood == likelihood
    assert one.log_det_standard_error_nats > 0


@pytest.mark.parametrize("terms", [2, 12])
def test_the_bias_of_a_cut_series_is_that_of_its_traces(terms):
    """Which are those of the powers of the dense Jacobian: log det(I + J) less the first terms of the series."""
    flow = _away(_iresnet(ki.SeriesLogDet(terms)), POINTS)
    layer = main_layer(flow)
    x = input_of(flow, layer, tf.constant(POINTS[:4]))
    found = likelihood_of(layer, x, 0)
    with _in_float64(layer, x) as (twin, x):
        inner = dense_jacobian(twin, x) - np.eye(3)
    powers, series = np.eye(3), 0.0
    for k in range(1, terms + 1):
        powers = powers @ inner
        series += (-1) ** (k + 1) * np.trace(powers, axis1=1, axis2=2) / k
    bias = np.abs(series - np.linalg.slogdet(np.eye(3) + inner)[1]).max()
    assert 0 < found["log_det_standard_error_nats"] < bias / 4
    assert abs(found["log_det_error_nats"] - bias) < 5 * found["log_det_standard_error_nats"]
    assert (terms == 2) == (bias > 1e-3)


def test_a_log_determinant_of_zero_is_seen(monkeypatch):
    flow = _away(BUILDERS["glow"](), POINTS)
    layer = main_layer(flow)
    forward = type(layer)._forward
    monkeypatch.setattr(type(layer), "_forward", lambda self, x, carried: (forward(self, x, carried)[0], 0.0))
    assert properties_of(flow, POINTS).likelihood == "biased"


def test_the_layer_and_its_input_are_those_of_the_flow():
    flow = _away(_iresnet(), POINTS)
    layer = main_layer(flow)
    assert isinstance(layer, ki.layers.InvertibleResidualBlock)
    x = input_of(flow, layer, tf.constant(POINTS[:4]))
    np.testing.assert_allclose(x, flow.layer.layers[0](POINTS[:4]), atol=1e-6)
    np.testing.assert_allclose(dense_jacobian(layer, x), jacobian(layer, x), atol=1e-6)
    assert np.abs(log_abs_det(jacobian(layer, x))).max() > 0.05


@pytest.mark.parametrize("name", ["iresnet", "glow"])
def test_of_images_the_channels_of_one_pixel_decide(name):
    if name == "glow":
        flow = ki.baselines.glow((4, 4, 1), bins=17, blocks=1, units=(6, 6), seed=0)
    else:
        flow = ki.zoo.image_flow((4, 4, 1), bins=17, blocks=(1,), channels=6, seed=0)
    found = properties_of(_away(flow, IMAGES), IMAGES)
    assert found.free_form == (name == "iresnet")
    assert (found.forward_passes, found.volume_preserving) == (1, False)
