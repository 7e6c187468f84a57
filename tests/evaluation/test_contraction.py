import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import jacobian, leave_identity, norm, operator_norm
from trained_flow import blocks

import keras_iresnet as ki
from keras_iresnet.evaluation.contraction import promises_contraction
from keras_iresnet.layers import ConvBranch, DenseBranch, InvertibleResidualBlock, SpectralDense
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer


def _wrong_estimates(layer):
    """Kernels far above their bound, with vectors that see little of it: as after steps without power iterations."""
    rng = np.random.default_rng(3)
    for part in layer._flatten_layers():
        if isinstance(part, SpectralLayer):
            part.kernel.assign(4 * part.kernel + rng.normal(size=part.kernel.shape))
            part.u.assign(rng.normal(size=part.u.shape) / np.sqrt(part.u.shape.num_elements()))
    return layer


def _true_norms(flow):
    return [
        [operator_norm(layer, layer.normalized_kernel()) for layer in block.branch.spectral_layers]
        for block in blocks(flow)
    ]


def test_a_model_whose_estimates_went_wrong_is_mended():
    flow = _wrong_estimates(ki.zoo.digits_flow(blocks=(1, 1), channels=8, seed=0))
    assert not ki.certify(flow).invertible
    assert max(math.prod(norms) for norms in _true_norms(flow)) > 1
    report = ki.contract(flow)
    assert report.certificate == ki.certify(flow)
    assert report.certificate.invertible
    assert np.max(_true_norms(flow)) <= 0.9
    assert np.max(_true_norms(flow)) == pytest.approx(0.9, rel=1e-5)
    assert all(math.prod(norms) <= 0.9**3 for norms in _true_norms(flow))
    assert "kernels were scaled" in str(report)
    x = tf.constant(np.random.default_rng(0).uniform(size=(3, 8, 8, 1)), tf.float32)
    np.testing.assert_allclose(flow.inverse(flow.forward(x)), x, atol=1e-4)


def test_training_without_power_iterations_is_mended(monkeypatch):
    keras.utils.set_random_seed(0)
    block = InvertibleResidualBlock(DenseBranch((32, 32)), estimator=ki.ExactLogDet())
    flow = ki.Flow(ki.layers.Chain([block]), (2,))
    monkeypatch.setattr("keras_iresnet.models.base.converge_power_iterations", lambda _: None, raising=False)
    monkeypatch.setattr(SpectralLayer, "converge", lambda self: None)
    for layer in block.branch.spectral_layers:
        layer.power_iterations = 0
    points = np.random.default_rng(0).normal(size=(1000, 2)).astype("float32") ** 3
    flow.compile(keras.optimizers.Adam(0.1))
    flow.fit(points, batch_size=100, epochs=5, verbose=0)
    assert not ki.certify(flow).invertible
    assert ki.contract(flow).certificate.invertible
    assert math.prod(norm(layer.normalized_kernel()) for layer in block.branch.spectral_layers) <= 0.9**3


def test_only_kernels_above_their_share_are_touched():
    branch = DenseBranch((6, 6), coeff=0.9)
    branch.build((None, 4))
    first, second, third = branch.spectral_layers
    for layer, target in zip(branch.spectral_layers, (0.5, 0.804, 0.7), strict=True):
        layer.kernel.assign(layer.kernel * (target / norm(layer.kernel)))
    before = [layer.kernel.numpy() for layer in branch.spectral_layers]
    report = ki.contract(branch, max_lipschitz=0.8**3)
    (scaled,) = report.scaled
    assert scaled.layer == second.name
    assert scaled.before == pytest.approx(0.804, rel=1e-5)
    assert scaled.factor == pytest.approx(0.8 / 0.804, rel=1e-5)
    np.testing.assert_array_equal(first.kernel, before[0])
    np.testing.assert_array_equal(third.kernel, before[2])
    np.testing.assert_allclose(second.kernel, before[1] * 0.8 / 0.804, rtol=1e-5)
    assert ki.contract(branch, max_lipschitz=0.8**3).scaled == ()


def test_branches_of_keras_layers_share_what_their_activations_leave():
    activation = keras.layers.LeakyReLU(2.0)
    branch = keras.Sequential([keras.layers.Dense(8), activation, keras.layers.Dense(4)])
    block = InvertibleResidualBlock(branch)
    block.build((None, 4))
    for layer in (branch.layers[0], branch.layers[2]):
        layer.kernel.assign(3 * layer.kernel)
    report = ki.contract(block, max_lipschitz=0.72)
    assert 0.719 < report.certificate.bound <= 0.72
    assert norm(branch.layers[0].kernel) == pytest.approx(0.6, rel=1e-5)
    with pytest.raises(ValueError, match=r"`max_lipschitz` must be given .*Received: None, for dense"):
        ki.contract(block)


def test_bounds_of_the_symbol_can_be_met_too():
    branch = leave_identity(_built(ConvBranch(8), (4, 4, 4)))
    report = ki.contract(branch, max_lipschitz=0.6, budget_s=0)
    assert {layer.method for layer in report.certificate.layers} == {"torus", "matrix"}
    assert 0.599 < report.certificate.bound <= 0.6
    assert ki.certify(branch).bound < 0.6  # the operator's norm is smaller


def _built(layer, shape):
    layer.build((None, *shape))
    return layer


def test_a_layer_used_in_two_blocks_is_scaled_once():
    block = InvertibleResidualBlock(DenseBranch((8,)))
    chain = _built(ki.layers.Chain([block, ki.layers.ActNorm(), block]), (4,))
    for layer in block.branch.spectral_layers:
        layer.kernel.assign(5 * layer.kernel)
        layer.converge()
    assert len(ki.contract(chain, max_lipschitz=0.5).scaled) == 2
    assert 0.4999 < ki.certify(chain).bound <= 0.5


def test_unknown_branches_stay_uncertified():
    block = _built(InvertibleResidualBlock(keras.Sequential([keras.layers.PReLU()])), (4,))
    report = ki.contract(block)
    assert (report.scaled, report.certificate.invertible) == ((), False)
    assert not promises_contraction(block)
    assert not promises_contraction(_built(DenseBranch((4,), coeff=None), (3,)))


@pytest.mark.parametrize("value", [0.0, 1.0, -0.5, math.nan])
def test_what_is_no_contraction_is_refused(value):
    with pytest.raises(ValueError, match=r"`max_lipschitz` must lie in \(0, 1\)\. Received: max_lipschitz="):
        ki.contract(_built(SpectralDense(3), (3,)), max_lipschitz=value)


def test_weights_that_are_not_finite_are_refused():
    layer = _built(SpectralDense(3), (3,))
    layer.kernel.assign(np.full((3, 3), np.inf))
    with pytest.raises(ValueError, match="Kernels must be finite"):
        ki.contract(layer)


def test_concatenations_are_contracted_by_the_kernels_within_them():
    branch = _built(ki.layers.DenseNetBranch(6, depth=2), (3,))
    for layer in branch.spectral_layers:
        layer.kernel.assign(9 * layer.kernel)
        layer.u.assign(0.4 * layer.u)
    assert not ki.certify(branch).invertible
    report = ki.contract(branch)
    assert 0.72 < report.certificate.bound <= 0.9**3
    assert all(norm(layer.normalized_kernel()) <= 1 for layer in branch.spectral_layers)
    x = tf.constant(np.random.default_rng(0).normal(size=(50, 3)) * 3, tf.float32)
    assert max(norm(one) for one in jacobian(branch, x).numpy()) <= 0.9**3
    with pytest.raises(ValueError, match="what a concatenation keeps"):
        ki.contract(branch, max_lipschitz=0.01)
