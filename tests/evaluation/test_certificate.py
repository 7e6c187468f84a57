import math
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import jacobian, leave_identity, norm, operator_norm
from trained_flow import blocks

import keras_iresnet as ki
from keras_iresnet.layers import (
    ActNorm,
    Chain,
    ConvBranch,
    DenseBranch,
    FactorOut,
    InvertibleResidualBlock,
    SpectralConv2D,
    SpectralDense,
    Squeeze,
)
from keras_iresnet.layers.carried import EVALUATION
from keras_iresnet.layers.lipschitz import written_out_costs


@pytest.fixture(scope="module")
def flow():
    """Every layer at its bound, from estimates that have converged."""
    return leave_identity(ki.zoo.digits_flow(blocks=(2, 1), channels=8, seed=0))


def test_every_norm_bounds_the_operator_and_lip_is_their_product(flow):
    report = ki.certify(flow)
    by_name = {block.name: block for block in blocks(flow)}
    assert {block.name for block in report.blocks} == set(by_name)
    for found in report.blocks:
        block = by_name[found.name]
        exact = [operator_norm(layer, layer.normalized_kernel()) for layer in block.branch.spectral_layers]
        assert len(found.layers) == 3
        for layer, value in zip(found.layers, exact, strict=True):
            assert value * (1 - 1e-12) <= layer.norm <= value * (1 + 1e-9)
        assert found.lip == pytest.approx(np.prod(exact), rel=1e-9)
        assert found.event_shape == tuple(block.input_spec.shape[1:])
    assert report.bound == max(block.lip for block in report.blocks) == pytest.approx(0.729, rel=1e-3)
    assert report.invertible
    assert [block.dimension for block in report.blocks] == [64, 64, 32]


def test_jacobians_stay_below_the_bound(flow):
    block = max(blocks(flow), key=lambda block: block.input_spec.shape[1])
    x = tf.constant(np.random.default_rng(0).normal(size=(4, 4, 4, 4)), tf.float32)
    norms = [norm(one) for one in jacobian(block.branch, x).numpy()]
    lip = ki.certify(block).bound
    assert 0.1 * lip < max(norms) <= lip


def test_an_estimate_that_is_too_small_is_seen():
    layer = SpectralConv2D(4, 3, coeff=0.9)
    layer.build((None, 4, 4, 4))
    layer.kernel.assign(10 * layer.kernel)
    layer.u.assign(tf.reshape(tf.one_hot(0, 64), (1, 4, 4, 4)))  # as little of the leading vector as can be
    exact = operator_norm(layer, layer.normalized_kernel())
    assert exact > 1.1  # sigma came out far below the norm
    report = ki.certify(layer)
    assert report.bound == pytest.approx(exact, rel=1e-6)
    assert not report.invertible


def test_branches_and_layers_are_certified_alone():
    branch = DenseBranch((8, 8), coeff=0.7)
    branch.build((None, 5))
    report = ki.certify(branch)
    assert report.bound == pytest.approx(math.prod(norm(part.normalized_kernel()) for part in branch.spectral_layers))
    assert (len(report.blocks), report.blocks[0].event_shape) == (1, (5,))
    dense = SpectralDense(7, coeff=0.5)
    dense.build((None, 3))
    dense.kernel.assign(9 * dense.kernel)
    dense.converge()
    assert ki.certify(dense).bound == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize(("strides", "padding"), [(2, "same"), (1, "valid"), (3, "valid")])
def test_strides_and_padding_are_those_of_the_layer(strides, padding):
    layer = SpectralConv2D(3, 3, coeff=None, strides=strides, padding=padding)
    layer.build((None, 7, 5, 2))
    exact = operator_norm(layer, layer.kernel)
    assert ki.certify(layer).bound == pytest.approx(exact, rel=1e-9)


def test_layers_without_a_constraint_are_not_certified():
    branch = ConvBranch(8, coeff=None)
    block = InvertibleResidualBlock(branch)
    block.build((None, 4, 4, 4))
    for layer in branch.spectral_layers:
        layer.kernel.assign(5 * layer.kernel)
    report = ki.certify(block)
    assert report.bound > 1
    assert not report.invertible
    assert "Not certified: of 1 branches, 1 have no bound below 1." in str(report)


class _Twice(DenseBranch):
    """A branch of the package that computes something else."""

    def as_map(self, carried=EVALUATION):
        inner = super().as_map(carried)
        return type("Map", (), {"__call__": lambda _, x: 2 * inner(x)})()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: keras.Sequential([SpectralDense(8), keras.layers.PReLU(), keras.layers.Dense(4)]), "PReLU"),
        (lambda: _Twice((8,)), "_Twice"),
    ],
)
def test_other_branches_are_unknown_and_said_to_be(make, name):
    known = InvertibleResidualBlock(DenseBranch((8,)))
    chain = Chain([known, InvertibleResidualBlock(make())])
    chain.build((None, 4))
    report = ki.certify(chain)
    assert not report.invertible
    assert report.bound == math.inf
    assert report.blocks[0].lip < 1
    assert re.search(rf"inf = unknown.*{name}", str(report))
    assert "of 2 branches, 1 have no bound" in str(report)


def test_weights_that_are_not_finite_are_not_certified():
    branch = DenseBranch((8,))
    branch.build((None, 4))
    branch.spectral_layers[0].kernel.assign(np.full((4, 8), np.nan))
    assert not ki.certify(branch).invertible


def test_a_layer_used_twice_counts_twice():
    block = InvertibleResidualBlock(DenseBranch((8,)))
    chain = Chain([block, ActNorm(), block])
    chain.build((None, 4))
    assert len(ki.certify(chain).blocks) == 2


def test_layers_with_an_inverse_in_closed_form_need_no_bound():
    chain = Chain([Squeeze(), ActNorm(), FactorOut(ActNorm())])
    chain.build((None, 4, 4, 2))
    report = ki.certify(chain)
    assert (report.blocks, report.bound, report.invertible) == ((), 0.0, True)


def test_budget_decides_which_operators_are_written_out_the_cheapest_first():
    branch = ConvBranch((3, 5), kernel_sizes=(3, 3, 3))  # 3 and 5 channels between 4: the first operator is smaller
    branch.build((None, 6, 6, 4))
    free, costly = ki.certify(branch, budget_s=0), ki.certify(branch)
    assert [layer.method for layer in free.layers] == ["torus"] * 3
    assert [layer.method for layer in costly.layers] == ["operator"] * 3
    assert costly.bound < free.bound
    first = written_out_costs(branch, (None, 6, 6, 4))[0]
    assert [layer.method for layer in ki.certify(branch, budget_s=2 * first).layers] == [
        "operator",
        "operator",
        "torus",
    ]
    assert "(torus)" in str(free)
    with pytest.raises(ValueError, match=r"`budget_s` must be at least 0\. Received: budget_s=-1"):
        ki.certify(branch, budget_s=-1)


def test_report_names_every_block_with_its_norms(flow):
    report = ki.certify(flow)
    lines = str(report).splitlines()
    assert len(lines) == 6
    for line, block in zip(lines, report.blocks, strict=False):
        assert line.startswith(f"{block.name} {block.event_shape}: Lip(g) <= {block.lip:.4f} = ")
    assert lines[3] == f"Certified: the bounds of all 3 branches are below 1, the largest is {report.bound:.4f}."


@pytest.mark.parametrize("model", [keras.layers.Dense(3), "flow", DenseBranch((4,))])
def test_what_cannot_be_certified_is_refused(model):
    with pytest.raises(ValueError, match=r"`model` must be .*Received: "):
        ki.certify(model)
