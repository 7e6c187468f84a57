import itertools

import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import LayerCase

from keras_iresnet.layers import Carried, ConvBranch, DenseBranch, LipschitzActivation, SpectralConv2D
from keras_iresnet.ops import log_det

ACTIVATIONS = ["elu", "softplus", "relu", "maxmin", "lipswish"]
BRANCHES = {"dense": (DenseBranch, (6, 6), (4,)), "conv": (ConvBranch, 4, (1, 2, 2))}


class TestConvBranch(LayerCase):
    input_shape = (2, 3, 2)

    def make(self, **kwargs):
        return ConvBranch((4, 6), activation="maxmin", coeff=0.7, power_iterations=2, preactivate=False, **kwargs)


class TestConvBranchWithDropout(LayerCase):
    input_shape = (2, 3, 2)

    def make(self, **kwargs):
        return ConvBranch(4, dropout=0.25, seed=3, **kwargs)


class TestDenseBranch(LayerCase):
    def make(self, **kwargs):
        return DenseBranch((5, 3), activation="lipswish", **kwargs)


def branch_and_point(kind, activation, coeff=0.9):
    make, units, event = BRANCHES[kind]
    branch = make(units, activation=activation, coeff=coeff, dtype="float64")
    branch.build((None, *event))
    oracles.leave_identity(branch)
    return branch, tf.constant(np.random.default_rng(7).normal(size=(3, *event)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", BRANCHES)
@pytest.mark.sweep(3)
def test_lipschitz_constant_is_at_most_the_product_of_the_bounds(kind, activation):
    branch, x = branch_and_point(kind, activation, coeff=0.8)
    bound = 0.8 ** len(branch.spectral_layers)
    assert all(float(layer.sigma()) > 0.8 for layer in branch.spectral_layers)
    norms = [oracles.norm(jacobian) for jacobian in oracles.jacobian(branch, x)]
    assert max(norms) <= bound * (1 + 1e-9)
    assert max(norms) > 0.1 * bound
    far = tf.constant(np.random.default_rng(8).normal(0, 5, x.shape))
    moved = np.linalg.norm(np.reshape(branch(x) - branch(far), (3, -1)), axis=1)
    assert (moved <= bound * np.linalg.norm(np.reshape(x - far, (3, -1)), axis=1)).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", BRANCHES)
@pytest.mark.sweep(3)
def test_exact_log_det_is_that_of_slogdet(kind, activation):
    branch, x = branch_and_point(kind, activation)
    value, nats = log_det.ExactLogDet()(branch.as_map(), x)
    expected = oracles.log_abs_det(np.eye(4) + oracles.jacobian(branch, x))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(nats, expected, rtol=1e-9)
    np.testing.assert_allclose(value, branch(x), rtol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", BRANCHES)
@pytest.mark.sweep(3)
def test_series_and_its_gradient_are_exact_over_all_sign_vectors(monkeypatch, kind, activation):
    # The mean over all 2^4 sign vectors leaves no chance; gradients reach every weight through its normalisation.
    branch, x = branch_and_point(kind, activation)
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=4)))
    probes = np.repeat(signs[:, None], len(x), 1).reshape(-1, *x.shape[1:])
    monkeypatch.setattr(log_det, "rademacher", lambda seed, num_probes, x: tf.constant(probes))
    weights = [variable.value for variable in branch.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        _, nats = log_det.SeriesLogDet(5, 16)(branch.as_map(), x, 0)
        total = tf.reduce_sum(nats)
    with tf.GradientTape() as reference:
        reference.watch(x)
        expected = oracles.truncated_series(oracles.jacobian(branch, x), 5)
        expected_total = tf.reduce_sum(expected)
    np.testing.assert_allclose(nats, expected, rtol=1e-9)
    gradients = tape.gradient(total, [x, *weights], unconnected_gradients="zero")
    exact = reference.gradient(expected_total, [x, *weights], unconnected_gradients="zero")
    for gradient, other, name in zip(
        gradients, exact, ["x", *(w.path for w in branch.trainable_variables)], strict=True
    ):
        np.testing.assert_allclose(gradient, other, rtol=1e-7, atol=1e-9, err_msg=name)
        if "kernel" in name or "beta" in name:
            assert np.abs(other).max() > 1e-4


@pytest.mark.parametrize("kind", BRANCHES)
def test_activations_and_linear_layers_take_turns(kind):
    make, units, event = BRANCHES[kind]
    for preactivate in (True, False):
        branch = make(units, preactivate=preactivate)
        branch.build((None, *event))
        activations = [isinstance(part, LipschitzActivation) for part in branch.parts]
        assert activations == [True, False] * 3 if preactivate else [False, True] * 2 + [False]
        assert len(branch.spectral_layers) == 3


def test_kernel_sizes_and_channels_are_those_asked_for():
    branch = ConvBranch((5, 7), kernel_sizes=(1, 3, 5))
    branch.build((None, 4, 4, 2))
    assert [layer.kernel.shape for layer in branch.spectral_layers] == [(1, 1, 2, 5), (3, 3, 5, 7), (5, 5, 7, 2)]
    assert all(isinstance(layer, SpectralConv2D) for layer in branch.spectral_layers)


def test_mixed_precision_computes_low_in_training_and_in_full_otherwise():
    branch = ConvBranch(4, dtype="mixed_bfloat16")
    x = tf.random.normal((3, 4, 4, 2))
    branch(x)
    oracles.leave_identity(branch)
    reference = ConvBranch(4)
    reference(x)
    reference.set_weights(branch.get_weights())
    np.testing.assert_array_equal(branch(x), reference(x))
    difference = np.abs(branch(x, training=True) - reference(x, training=True))
    assert 1e-4 < difference.max() < 0.05


@pytest.mark.parametrize("channels", [(4,), (4, 4, 4)])
def test_channels_that_do_not_match_the_kernels_are_refused(channels):
    with pytest.raises(
        ValueError, match=r"`channels` must be one integer or 2, one per hidden layer. Received: channels="
    ):
        ConvBranch(channels)


@pytest.mark.parametrize(
    "make", [lambda **options: DenseBranch((4,), **options), lambda **options: ConvBranch(4, **options)]
)
def test_activation_is_refused_before_the_branch_is_built(make):
    with pytest.raises(
        ValueError, match=r"`activation` must be 1-Lipschitz.* Received: activation='swish' \(its slope"
    ):
        make(activation="swish")


def test_dropout_takes_its_share_of_what_enters_the_last_layer():
    branch = DenseBranch((4000,), dropout=0.25, coeff=None, preactivate=False, seed=0)
    branch.build((None, 1))
    first, last = branch.spectral_layers
    first.bias.assign(tf.ones(4000))
    # All different, lest two draws of as many zeros have the same mean.
    last.kernel.assign(tf.random.stateless_uniform((4000, 1), (1, 2), 0.999, 1.001) / 4000)
    error = np.sqrt(0.25 * 0.75 / 4000)
    draws = [float(branch(tf.zeros((1, 1)), training=True)[0, 0]) for _ in range(5)]
    assert len(set(draws)) == 5  # another draw each time
    assert all(abs(draw - 0.75) < 5 * error for draw in draws)
    assert float(branch(tf.zeros((1, 1)))[0, 0]) == pytest.approx(0.75, rel=1e-4)


@pytest.mark.parametrize("training", [False, True])
def test_dropout_keeps_the_bound_and_the_log_det(training):
    branch = DenseBranch((6, 6), coeff=0.8, dropout=0.5, seed=0, dtype="float64")
    branch.build((None, 4))
    oracles.leave_identity(branch)
    x = tf.constant(np.random.default_rng(7).normal(size=(3, 4)))
    g = branch.as_map(Carried(training=training))
    jacobians = oracles.jacobian(g, x)
    norms = [oracles.norm(jacobian) for jacobian in jacobians]
    assert 0.01 < max(norms) <= 0.8**3 * (1 + 1e-2)
    expected = oracles.log_abs_det(np.eye(4) + jacobians)
    np.testing.assert_allclose(log_det.ExactLogDet()(g, x)[1], expected, rtol=1e-9)


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_dropout_outside_its_interval_is_refused(dropout):
    with pytest.raises(ValueError, match=rf"`dropout` must lie in \[0, 1\). Received: dropout={dropout}"):
        ConvBranch(4, dropout=dropout)
