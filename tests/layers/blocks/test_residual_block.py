import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_case import InvertibleCase

import keras_iresnet as ki
from keras_iresnet.layers import ConvBranch, DenseBranch, InvertibleResidualBlock, SpectralDense
from keras_iresnet.ops import kernels

ACTIVATIONS = ["elu", "softplus", "relu", "maxmin", "lipswish"]


class TestBlockOfConvolutions(InvertibleCase):
    input_shape = (3, 2, 2)

    def make(self, **kwargs):
        return InvertibleResidualBlock(ConvBranch(4), estimator=ki.SeriesLogDet(3, 2), **kwargs)


class TestBlockOfDenseLayers(InvertibleCase):
    under_xla = False  # see the convolutions

    def make(self, **kwargs):
        return InvertibleResidualBlock(DenseBranch((5, 5)), estimator=ki.ExactLogDet(), max_steps=500, **kwargs)


class TestBlockOfAnyKerasLayer(InvertibleCase):
    def make(self, **kwargs):
        # A Keras layer rounds its output under a mixed policy, and is refused then.
        dtype = "float64" if keras.config.dtype_policy().name == "float64" else "float32"
        branch = [
            SpectralDense(6, dtype=dtype),
            keras.layers.Activation("tanh", dtype=dtype),
            SpectralDense(4, dtype=dtype),
        ]
        return InvertibleResidualBlock(keras.Sequential(branch), **kwargs)


@pytest.mark.parametrize("block", [InvertibleResidualBlock, ki.layers.MonotoneBlock, ki.layers.ImplicitBlock])
def test_a_branch_of_keras_layers_that_round_is_refused(block):
    keras.config.set_dtype_policy("mixed_bfloat16")

    def made(dtype):
        layers = [SpectralDense(6, dtype="float32"), keras.layers.Activation("tanh", dtype=dtype)]
        branch = keras.Sequential([*layers, SpectralDense(4, dtype="float32")])
        return block(branch, DenseBranch((4,))) if block is ki.layers.ImplicitBlock else block(branch)

    message = r'`branch` must compute in float32, .* dtype="float32" .* Received: .* activation.* computes in bfloat16'
    with pytest.raises(ValueError, match=message):
        made(None).build((None, 4))
    layer, x = made("float32"), tf.random.normal((16, 4), seed=1)
    y = layer(x)  # whose solves converge
    np.testing.assert_allclose(layer.inverse(y), x, atol=1e-4)


def test_a_functional_branch_of_full_precision_is_taken_under_a_mixed_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    inputs = keras.Input((4,), dtype="float32")
    block = InvertibleResidualBlock(keras.Model(inputs, SpectralDense(4, dtype="float32")(inputs)))
    x = tf.random.normal((16, 4), seed=1)
    np.testing.assert_allclose(block.inverse(block(x)), x, atol=1e-4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["dense", "conv"])
@pytest.mark.sweep(3)
def test_inverse_and_log_det_for_every_activation(kind, activation):
    keras.config.set_dtype_policy("float64")
    branch = DenseBranch((6,), activation=activation) if kind == "dense" else ConvBranch(4, activation=activation)
    block = InvertibleResidualBlock(branch, estimator=ki.ExactLogDet())
    x = tf.constant(np.random.default_rng(0).normal(size=(4, 4) if kind == "dense" else (4, 2, 2, 2)))
    block(x)
    oracles.leave_identity(block)
    y, log_det = block.forward_and_log_det(x)
    expected = oracles.log_abs_det(oracles.jacobian(block, x))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(log_det, expected, rtol=1e-9)
    np.testing.assert_allclose(block.inverse(y), x, rtol=0, atol=1e-12 * np.abs(x).max())


@pytest.mark.slow
@settings(max_examples=8)
@given(
    event=st.one_of(
        st.tuples(st.integers(1, 4)),
        st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3)),
    ),
    batch=st.integers(1, 4),
    coeff=st.sampled_from([0.5, 0.97]),
)
def test_any_shape_is_kept_and_inverted(event, batch, coeff):
    branch = DenseBranch((5,), coeff=coeff) if len(event) == 1 else ConvBranch(3, coeff=coeff)
    block = InvertibleResidualBlock(branch)
    x = tf.random.normal((batch, *event), seed=batch)
    block(x)
    oracles.leave_identity(block)
    y, log_det = block.forward_and_log_det(x, seed=1)
    assert y.shape == x.shape
    assert log_det.shape == (batch,)
    np.testing.assert_allclose(block.inverse(y), x, rtol=0, atol=1e-5 * max(1, np.abs(x).max()))


def test_series_estimates_the_log_det_of_the_layer():
    keras.config.set_dtype_policy("float64")
    block = InvertibleResidualBlock(ConvBranch(4, coeff=0.8), estimator=ki.SeriesLogDet(12, 4))
    x = tf.constant(np.random.default_rng(0).normal(size=(1, 2, 2, 2)))
    block(x)
    oracles.leave_identity(block)
    expected = oracles.log_abs_det(oracles.jacobian(block, x))[0]
    assert abs(expected) > 0.1
    _, nats = block.forward_and_log_det(tf.repeat(x, 4000, 0), seed=(3, 4))
    # What 12 terms leave out is below 8 * 0.512^13 / 13 / (1 - 0.512) = 2e-4.
    error = 4 * np.std(nats) / np.sqrt(4000) + 2e-4
    assert abs(np.mean(nats) - expected) < error < 0.1 * abs(expected)


def test_probes_come_from_the_seed_alone():
    block = InvertibleResidualBlock(DenseBranch((5,)))
    x = tf.random.normal((3, 4))
    block(x)

    @tf.function(jit_compile=True)
    def log_det(seed):
        return block.forward_and_log_det(x, seed)[1]

    first, other = log_det(tf.constant([1, 2])), log_det(tf.constant([1, 3]))
    np.testing.assert_allclose(first, block.forward_and_log_det(x, (1, 2))[1], rtol=1e-5)
    assert np.abs(first - other).max() > 1e-4


def test_gradients_of_the_inverse_reach_weights_and_input():
    keras.config.set_dtype_policy("float64")
    block = InvertibleResidualBlock(DenseBranch((4,)))
    y = tf.constant(np.random.default_rng(0).normal(size=(2, 3)))
    block(y)
    oracles.leave_identity(block)
    kernel = block.branch.spectral_layers[0].kernel

    def scalar(bias):
        block.branch.spectral_layers[0].bias.assign(bias)
        return tf.reduce_sum(block.inverse(y) ** 2)

    bias = block.branch.spectral_layers[0].bias
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(block.inverse(y) ** 2)
    by_kernel, by_bias = tape.gradient(total, [kernel.value, bias.value])
    assert np.abs(by_kernel).max() > 1e-3
    np.testing.assert_allclose(by_bias, oracles.difference_gradient(scalar, bias.numpy()), atol=1e-6)


class HalfSine(keras.layers.Layer):
    """What a user may write: `call` and nothing else."""

    def call(self, x):
        return 0.5 * keras.ops.sin(x)


def test_branch_may_be_a_layer_that_implements_call_alone():
    block = InvertibleResidualBlock(HalfSine(), estimator=ki.ExactLogDet())
    x = tf.constant([[0.1, 0.7], [-1.0, 2.0]])
    y, log_det = block.forward_and_log_det(x)
    np.testing.assert_allclose(log_det, np.log1p(0.5 * np.cos(x)).sum(1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(block.inverse(y), x, rtol=1e-5)


def test_branch_that_changes_the_shape_is_refused():
    block = InvertibleResidualBlock(keras.layers.Dense(5))
    with pytest.raises(ValueError, match=r"keep the shape .* input_shape=\(2, 4\), output_shape=\(None, 5\)"):
        block(tf.zeros((2, 4)))


def test_branch_that_drops_an_axis_is_refused():
    with pytest.raises(ValueError, match=r"keep the shape .* Received: input_shape=\(None, 2, 2, 1\)"):
        InvertibleResidualBlock(keras.layers.Flatten()).build((None, 2, 2, 1))


def test_stochastic_estimator_without_a_seed_is_refused():
    block = InvertibleResidualBlock(DenseBranch((4,)))
    with pytest.raises(ValueError, match="needs a `seed`"):
        block.forward_and_log_det(tf.zeros((1, 2)))


class TestSharedPasses:
    """Wide blocks have one function for their passes in training."""

    @staticmethod
    def chain(blocks, wide, monkeypatch):
        """A function x -> y, log-det and gradients of a training pass; kernels of so many elements count as large."""
        monkeypatch.setattr(kernels, "_LARGE", wide)
        keras.utils.set_random_seed(0)
        chain = ki.layers.Chain([InvertibleResidualBlock(ConvBranch(5)) for _ in range(blocks)])
        chain.build((None, 4, 4, 3))
        oracles.leave_identity(chain)

        @tf.function(autograph=False, input_signature=[tf.TensorSpec((None, 4, 4, 3))])
        def step(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y, log_det = chain.forward_and_log_det(x, seed=1, training=True)
                loss = tf.reduce_sum(y**2) - tf.reduce_sum(log_det)
            sources = [x, *(weight.value for weight in chain.trainable_weights)]
            return y, log_det, tape.gradient(loss, sources)

        return step, step.get_concrete_function()

    def test_they_give_the_same_values_and_gradients(self, monkeypatch):
        x = tf.random.normal((6, 4, 4, 3), seed=1)
        apart = self.chain(2, 10**9, monkeypatch)[0](x)
        shared = self.chain(2, 1, monkeypatch)[0](x)
        assert np.abs(apart[1]).min() > 0.1
        for one, other in zip(tf.nest.flatten(shared), tf.nest.flatten(apart), strict=True):
            assert np.linalg.norm(other) > 0
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)

    @pytest.mark.slow
    def test_a_further_block_adds_little_to_the_graph(self, monkeypatch):
        def added(wide):
            sizes = (len(self.chain(count, wide, monkeypatch)[1].graph.get_operations()) for count in (3, 4))
            return -sum((-1) ** i * size for i, size in enumerate(sizes))

        assert 0 < added(1) < added(10**9) / 2

    def test_what_a_user_estimates_with_is_called_as_it_is(self, monkeypatch):
        calls = []

        class Mine:
            def __call__(self, g, x, seed):
                calls.append(x.shape)
                return ki.ExactLogDet()(g, x, seed)

        monkeypatch.setattr(kernels, "_LARGE", 1)
        block = InvertibleResidualBlock(ConvBranch(5), estimator=Mine())
        for _ in range(2):
            block.forward_and_log_det(tf.ones((2, 4, 4, 3)), training=True)
        assert len(calls) == 2
