"""Bounds of whole maps against dense linear algebra in float64, on maps far from the identity."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import jacobian, leave_identity

import keras_iresnet as ki
from keras_iresnet import layers
from keras_iresnet.baselines.mixing import Mixing, Reverse


def branch(coeff=0.9, **options):
    return layers.DenseBranch((6,), coeff=coeff, preactivate=False, activation="relu", **options)


def conv(coeff=0.9):
    return layers.InvertibleResidualBlock(layers.ConvBranch(4, coeff=coeff))


def multi_scale():
    inner = layers.Chain([layers.Squeeze(), layers.ActNorm(), conv(), layers.Flatten()])
    return layers.Chain([layers.Logit(0.05), layers.Squeeze(), layers.ActNorm(), conv(), layers.FactorOut(inner)])


def residual(**options):
    return layers.InvertibleResidualBlock(branch(**options))


VECTORS = {
    "residual": residual,
    "maximum norm": lambda: residual(norm="inf", coeff=0.7),
    "sum norm": lambda: residual(norm=1, coeff=0.7),
    "monotone": lambda: layers.MonotoneBlock(branch()),
    "implicit": lambda: layers.ImplicitBlock(branch(), branch(0.7)),
    "inverse": lambda: layers.Inverse(layers.Chain([layers.ActNorm(), residual()])),
    "chain": lambda: layers.Chain([layers.ActNorm(), residual(), Mixing(seed=1), Reverse(), residual()]),
}
IMAGES = {
    "multi-scale": multi_scale,
    "gaussianize": lambda: layers.Chain([layers.Gaussianize(4), layers.ActNorm(), conv(0.5)]),
    "centre": lambda: layers.Chain([layers.Center(), conv()]),
}


def _built(make, event):
    keras.config.set_dtype_policy("float64")
    layer = make()
    layer.build((None, *event))
    return leave_identity(layer)


def _singular_values(layer, x):
    return np.linalg.svd(np.asarray(jacobian(layer, x)), compute_uv=False)


@pytest.mark.parametrize("name", [*VECTORS, *IMAGES])
def test_no_jacobian_is_beyond_the_bounds(name):
    rng = np.random.default_rng(0)
    if name in VECTORS:
        layer, x = _built(VECTORS[name], (4,)), tf.constant(3 * rng.normal(size=(200, 4)))
    else:
        layer, x = _built(IMAGES[name], (4, 4, 1)), tf.constant(rng.uniform(size=(30, 4, 4, 1)))
    found = layer.lipschitz_bounds()
    values = _singular_values(layer, x)
    log_dets = np.log(values).sum(-1)
    assert np.abs(log_dets).max() > 0.1
    assert values.max() <= found.forward < math.inf
    assert 1 / values.min() <= found.inverse < math.inf
    assert found.lowest_log_det <= log_dets.min()
    assert log_dets.max() <= found.highest_log_det
    assert np.abs(log_dets).max() <= found.log_det
    assert max(values.max() / found.forward, 1 / values.min() / found.inverse) > (0.2 if name in VECTORS else 0.02)


def test_bounds_of_single_layers_are_reached():
    act_norm = _built(layers.ActNorm, (3,))
    scales = np.exp(act_norm.log_scale.numpy())
    found = act_norm.lipschitz_bounds()
    np.testing.assert_allclose([found.forward, found.inverse], [scales.max(), 1 / scales.min()], rtol=1e-12)
    assert found.log_det == pytest.approx(abs(np.log(scales).sum()))
    logit = _built(lambda: layers.Logit(0.1), (2,))
    found = logit.lipschitz_bounds()
    slopes = _singular_values(logit, tf.constant([[0.0, 0.5], [1.0, 0.5]], tf.float64))
    np.testing.assert_allclose([found.forward, 1 / found.inverse], [slopes.max(), slopes.min()], rtol=1e-9)
    histogram = _built(lambda: layers.Gaussianize(5, common=0.3), (1,))
    histogram._initialize(tf.constant([[0.1]] * 5 + [[0.5]] * 3 + [[0.9]], tf.float64))
    x = tf.constant(np.linspace(0, 1, 20001)[:, None])
    slopes = _singular_values(histogram, x)
    found = histogram.lipschitz_bounds()
    np.testing.assert_allclose([found.forward, 1 / found.inverse], [slopes.max(), slopes.min()], rtol=1e-3)


def test_closed_forms_of_the_papers():
    found = _built(VECTORS["monotone"], (4,)).lipschitz_bounds()
    lip = found.inverse_solves[0].lip
    assert lip == pytest.approx(0.81, rel=1e-3)
    assert found.forward == found.inverse == pytest.approx((1 + lip) / (1 - lip))
    assert found.log_det == pytest.approx(4 * math.log((1 + lip) / (1 - lip)))
    found = _built(VECTORS["implicit"], (4,)).lipschitz_bounds()
    (first,), (second,) = found.inverse_solves, found.forward_solves
    assert found.forward == pytest.approx((1 + first.lip) / (1 - second.lip))
    assert found.inverse == pytest.approx((1 + second.lip) / (1 - first.lip))
    found = _built(residual, (4,)).lipschitz_bounds()
    lip = found.inverse_solves[0].lip
    assert (found.lowest_log_det, found.highest_log_det) == (4 * math.log1p(-lip), 4 * math.log1p(lip))
    assert found.log_det == -4 * math.log1p(-lip)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: layers.InvertibleResidualBlock(keras.layers.PReLU(), name="odd_block"), "odd_block"),
        (lambda: layers.ColumnRanges((0,), name="ranges"), "ranges"),
        (lambda: ki.baselines.Coupling((8,), name="coupling"), "coupling"),
    ],
)
def test_layers_without_a_bound_are_named(make, name):
    chain = layers.Chain([layers.ActNorm(), make(), residual()])
    chain.build((None, 4))
    found = chain.lipschitz_bounds()
    assert found.unbounded == (name,)
    assert (found.inverse, found.log_det) == (math.inf, math.inf)
    report = ki.certify(chain)
    assert report.whole == found
    assert f"No finite bound for all of these has: {name}." in str(report)


def test_a_bounded_column_has_its_inverse_bounded():
    layer = layers.ColumnRanges((), [(0, 1.0, 9.0)])
    layer.build((None, 2))
    found = layer.lipschitz_bounds()
    assert (found.forward, found.inverse) == (math.inf, 2.0)


def test_they_are_kept_until_a_weight_changes(monkeypatch):
    layer = _built(VECTORS["chain"], (4,))
    found = []
    compute = type(layer)._bounds
    monkeypatch.setattr(type(layer), "_bounds", lambda self, lip_of: found.append(1) or compute(self, lip_of))
    before = layer.lipschitz_bounds()
    count = len(found)
    assert count > 0
    assert layer.lipschitz_bounds() is before
    assert len(found) == count
    layer.layers[0].log_scale.assign_add(np.ones(4))
    assert layer.lipschitz_bounds().forward == pytest.approx(math.e * before.forward)


def test_a_layer_that_was_not_built_is_refused():
    with pytest.raises(ValueError, match="must be built before it is bounded"):
        layers.ActNorm().lipschitz_bounds()


def test_certificates_have_the_bounds_of_the_whole_and_say_them():
    flow = leave_identity(ki.zoo.digits_flow(blocks=(1, 1), channels=8, seed=0))
    report = ki.certify(flow)
    assert report.whole == flow.layer.lipschitz_bounds()
    assert _numbers(str(report)) == [f"{value:.4g}" for value in (report.whole.forward, report.whole.inverse)]
    assert f"{report.num_terms(1e-3)} terms leave" in str(report)
    assert f"{report.inverse_steps(1e-6)} steps a block" in str(report)
    assert ki.certify(_spectral_layer()).whole is None


def _numbers(text):
    line = next(line for line in text.splitlines() if line.startswith("Lip(F) <= "))
    return [part.split("<= ")[1] for part in line.split(", ")[:2]]


def _spectral_layer():
    dense = layers.SpectralDense(3)
    dense.build((None, 2))
    return dense
