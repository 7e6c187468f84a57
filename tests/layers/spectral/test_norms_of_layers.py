"""Spectral layers and branches held in other norms than the Euclidean one."""

import math

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import InvertibleCase, LayerCase

import keras_iresnet as ki
from keras_iresnet.layers import (
    Concatenation,
    ConvBranch,
    DenseBranch,
    DenseNetBranch,
    InvertibleResidualBlock,
    SpectralConv2D,
    SpectralDense,
)


class TestDenseLayer(LayerCase):
    def make(self, **kwargs):
        return SpectralDense(3, norm=(1, "inf"), **kwargs)


class TestBlock(InvertibleCase):
    input_shape = (3, 3, 2)
    under_xla = False

    def make(self, **kwargs):
        return InvertibleResidualBlock(ConvBranch(4, norm="inf"), estimator=ki.SeriesLogDet(3), remat=True, **kwargs)


@pytest.mark.parametrize("norm", [1, 1.5, 3, math.inf, "inf", (1, 2), (2, math.inf)])
def test_kernel_is_held_at_the_norm_that_is_stated(norm):
    layer = SpectralConv2D(5, 3, coeff=0.6, norm=norm)
    layer.build((None, 4, 4, 2))
    layer.kernel.assign(9 * layer.kernel)
    assert [weight.name for weight in layer.weights] == ["kernel", "bias"]
    matrix = oracles.convolution_matrix(layer.normalized_kernel(), (4, 4)).T
    p, q = layer.norm
    x = np.concatenate(
        [np.eye(len(matrix)), np.sign(matrix.T), np.random.default_rng(0).normal(size=(500, len(matrix)))]
    )
    ratios = np.linalg.norm(x @ matrix, q, axis=1) / np.linalg.norm(x, p, axis=1)
    assert (0.15 if 1 < p == q < math.inf else 0.25) < ratios.max() <= 0.6 * (1 + 1e-6)
    small = layer.kernel.numpy() / 1000
    layer.kernel.assign(small)
    np.testing.assert_allclose(layer.normalized_kernel(), small, rtol=1e-6)


@pytest.mark.parametrize("norm", [1, 3, math.inf])
def test_branch_contracts_in_its_norm_as_certified(norm):
    keras.config.set_dtype_policy("float64")
    block = InvertibleResidualBlock(DenseBranch((6, 6), coeff=0.9, norm=norm, activation="relu"))
    block.build((None, 4))
    oracles.leave_identity(block)
    (found,) = ki.certify(block).blocks
    assert found.norm == norm
    assert f"in l_{norm:g}" in str(found)
    assert found.lip == pytest.approx(0.729, rel=1e-5)
    points = np.random.default_rng(0).normal(size=(2, 500, 4))
    images = [block.branch(tf.constant(x)).numpy() for x in points]
    ratios = np.linalg.norm(images[0] - images[1], norm, axis=1) / np.linalg.norm(points[0] - points[1], norm, axis=1)
    assert 0.1 < ratios.max() <= found.lip
    x = tf.constant(points[0])
    np.testing.assert_allclose(block.inverse(block(x)), x, atol=1e-10)


def test_concatenations_are_certified_in_their_norm():
    branch = DenseNetBranch(4, depth=2, norm=math.inf, coeff=0.9)
    branch.build((None, 3))
    oracles.leave_identity(branch)
    first = branch.parts[0]
    assert isinstance(first, Concatenation)
    kept, new = first.shares()
    held = np.abs(first.linear.normalized_kernel().numpy()).sum(0).max()
    report = ki.certify(branch)
    assert report.layers[0].norm == pytest.approx(0.9 * max(float(kept), float(new) * held), rel=1e-5)
    assert report.bound < 1


def test_an_update_of_power_iterations_leaves_them_alone():
    branch = DenseBranch((5,), norm=math.inf)
    branch.build((None, 3))
    before = branch.get_weights()
    ki.layers.converge_power_iterations(branch)
    branch(tf.ones((2, 3)), training=True)
    for a, b in zip(before, branch.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("norm", [0.5, (2, 1), (math.inf, 2), "two", (1, 2, 3), None])
def test_norms_without_a_proof_are_refused(norm):
    with pytest.raises(ValueError, match=r"`norm` must be p >= 1, or a pair .* Received: norm="):
        SpectralDense(3, norm=norm)


def test_branches_refuse_what_does_not_contract():
    with pytest.raises(ValueError, match=r"contracts in one norm.* Received: norm=\(1, 2\)"):
        DenseBranch((3,), norm=(1, 2))
    with pytest.raises(ValueError, match=r"'householder' is 1-Lipschitz in l_p for p from 2 to 2. Received: norm=inf"):
        DenseBranch((4,), norm=math.inf, activation="householder")
    with pytest.raises(ValueError, match=r"'clipswish' is 1-Lipschitz in l_p for p from 2 to inf. Received: norm=1"):
        DenseBranch((4,), norm=1, activation="clipswish")
    with pytest.raises(ValueError, match=r"for p of at least 2. Received: norm=1.5"):
        DenseNetBranch(4, norm=1.5, activation="elu")
