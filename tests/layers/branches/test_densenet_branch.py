import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import InvertibleCase, LayerCase

import keras_iresnet as ki
from keras_iresnet.layers import Carried, Concatenation, DenseNetBranch, InvertibleResidualBlock, SpectralDense


class TestConcatenation(LayerCase):
    def make(self, **kwargs):
        return Concatenation(SpectralDense(3), activation="clipswish", scale=0.9, **kwargs)


class TestBranchOverVectors(LayerCase):
    def make(self, **kwargs):
        return DenseNetBranch(6, depth=2, stem=5, **kwargs)


class TestBlockOverImages(InvertibleCase):
    input_shape = (3, 2, 2)

    def make(self, **kwargs):
        return InvertibleResidualBlock(DenseNetBranch(4, depth=2), estimator=ki.SeriesLogDet(3, 2), **kwargs)


@pytest.mark.slow
class TestBlockOverVectors(InvertibleCase):
    under_xla = False

    def make(self, **kwargs):
        return InvertibleResidualBlock(
            DenseNetBranch(6, depth=1, activation="elu", preactivate=True), remat=True, **kwargs
        )


def branch_64(**options):
    keras.config.set_dtype_policy("float64")
    branch = DenseNetBranch(6, **options)
    branch.build((None, 4))
    return oracles.leave_identity(branch)


def test_value_is_that_of_the_paper():
    branch, x = branch_64(depth=2, stem=5, activation="relu", coeff=0.8), np.random.default_rng(0).normal(size=(7, 4))
    stem, first, second, last = branch.spectral_layers
    assert [layer.kernel.shape for layer in branch.spectral_layers] == [(4, 5), (5, 6), (11, 6), (17, 4)]
    h = x @ stem.normalized_kernel().numpy() + stem.bias.numpy()
    for layer, part in ((first, branch.parts[1]), (second, branch.parts[2])):
        kept, new = (np.log1p(np.exp(w.numpy())) + 0.1 for w in (part.weight_kept, part.weight_new))
        phi = np.maximum(h @ layer.normalized_kernel().numpy() + layer.bias.numpy(), 0)
        h = 0.8 * np.concatenate([kept * h, new * phi], -1) / np.hypot(kept, new)
    expected = h @ last.normalized_kernel().numpy() + last.bias.numpy()
    np.testing.assert_allclose(branch(x), expected, rtol=1e-12)


@pytest.mark.parametrize("options", [{"depth": 3}, {"depth": 2, "stem": 5, "activation": "groupsort", "growth": 8}])
def test_certificate_bounds_the_jacobian_and_is_what_it_is_held_at(options):
    keras.config.set_dtype_policy("float64")
    branch = DenseNetBranch(**{"growth": 6, "coeff": 0.97, **options})
    branch.build((None, 4))
    oracles.leave_identity(branch)
    for weight in branch.weights:
        if weight.name == "weight_kept":
            weight.assign(3.0)
    report = ki.certify(branch)
    assert len(report.layers) == len(branch.parts)
    jacobians = oracles.jacobian(branch, tf.constant(2 * np.random.default_rng(0).normal(size=(50, 4))))
    assert 0.2 * report.bound < max(oracles.norm(one) for one in jacobians) <= report.bound
    assert report.bound <= branch.lip_target * 1.001
    assert branch.lip_target == pytest.approx(0.97 ** len(branch.parts))
    part = branch.parts[-2]
    kept, new = part.shares()
    assert float(kept**2 + new**2) == pytest.approx(1)
    expected = 0.97 * np.hypot(kept, new * oracles.norm(part.linear.normalized_kernel()))
    assert report.layers[-2].norm == pytest.approx(expected, rel=1e-5)


def test_shares_are_trained():
    branch = branch_64(depth=1)
    x = tf.constant(np.random.default_rng(0).normal(size=(5, 4)))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(branch(x) ** 2)
    for gradient in tape.gradient(total, [branch.parts[0].weight_kept.value, branch.parts[0].weight_new.value]):
        assert abs(float(gradient)) > 1e-4


def test_a_condition_moves_every_hidden_layer():
    branch = branch_64(depth=2, stem=5, condition_size=3)
    assert [tuple(kernel.shape) for kernel in branch.condition_kernels] == [(3, 5), (3, 3), (3, 3)]
    x = tf.constant(np.random.default_rng(0).normal(size=(2, 4)))
    condition = tf.constant(np.random.default_rng(1).normal(size=(2, 3)))
    before = branch(x, condition=condition)
    for kernel in branch.condition_kernels:
        old = kernel.numpy()
        kernel.assign(old + 1)
        assert np.abs(branch(x, condition=condition) - before).max() > 1e-3
        kernel.assign(old)


def test_dropout_holds_in_training_alone():
    branch = branch_64(depth=1, dropout=0.5, seed=1)
    x = tf.constant(np.random.default_rng(0).normal(size=(2, 4)))
    np.testing.assert_array_equal(branch(x), branch(x))
    assert np.abs(branch.as_map(Carried(training=True))(x) - branch.as_map(Carried(training=True))(x)).max() > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"growth": 5}, r"`growth` must be an integer, a multiple of 2, .*'clipswish'.* Received: growth=5"),
        ({"growth": 0, "activation": "elu"}, r"`growth` must be an integer, at least 1. Received: growth=0"),
        ({"growth": 4, "depth": 0}, r"`depth` must be an integer, at least 1. Received: depth=0"),
    ],
)
def test_sizes_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        DenseNetBranch(**options)


def test_scale_above_1_is_refused():
    with pytest.raises(ValueError, match=r"`scale` must lie in \(0, 1\]. Received: scale=1.1"):
        Concatenation(SpectralDense(3), scale=1.1)


def test_linear_layers_that_cannot_stand_beside_their_input_are_refused():
    with pytest.raises(ValueError, match=r"`linear` must be a SpectralDense or .* Received: linear=<Dense"):
        Concatenation(keras.layers.Dense(3))
    for options in ({"padding": "valid"}, {"strides": 2}):
        layer = Concatenation(ki.layers.SpectralConv2D(3, 3, **options))
        with pytest.raises(ValueError, match=r"`linear` must keep the grid.* input_shape=\(None, 4, 4, 2\), output_"):
            layer.build((None, 4, 4, 2))
