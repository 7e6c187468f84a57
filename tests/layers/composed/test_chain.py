import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_case import InvertibleCase

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain, ConvBranch, InvertibleResidualBlock, Squeeze


class TestChain(InvertibleCase):
    input_shape = (4, 4, 1)
    under_xla = False

    def make(self, **kwargs):
        layers = [Squeeze(), ActNorm(), InvertibleResidualBlock(ConvBranch(3)), Chain([ActNorm()])]
        return Chain(layers, **kwargs)


def test_forward_is_the_composition_and_log_dets_add_up():
    layers = [ActNorm(dtype="float64"), ActNorm(dtype="float64")]
    chain = Chain(layers, dtype="float64")
    chain.build((None, 2))
    for layer, log_scale in zip(layers, [[0.1, 0.2], [-1.0, 3.0]], strict=True):
        layer.log_scale.assign(log_scale)
        layer.shift.assign([1.0, 2.0])
    x = tf.constant([[0.5, -0.5]], tf.float64)
    y, log_det = chain.forward_and_log_det(x)
    np.testing.assert_allclose(y, layers[1](layers[0](x)))
    np.testing.assert_allclose(log_det, [2.3])
    np.testing.assert_allclose(chain.inverse(y), x, rtol=1e-12)


def test_initialisation_goes_through_the_layers_in_turn():
    norms = [ActNorm(), ActNorm()]
    chain = Chain([norms[0], InvertibleResidualBlock(ki.layers.DenseBranch((4,))), norms[1]])
    y = chain.initialize(tf.random.normal((200, 3), 5.0, 2.0))
    assert all(bool(tf.convert_to_tensor(norm.initialized)) for norm in norms)
    np.testing.assert_allclose(np.std(y, 0), 1, rtol=1e-4)


def test_every_layer_has_probes_of_its_own():
    # Two equal blocks at the same point: with the same probes their log-dets would be equal.
    x = tf.zeros((1, 4))
    seen = []

    @keras.saving.register_keras_serializable(package="test")
    class Watch(ki.layers.InvertibleLayer):
        def _forward(self, x, carried):
            seen.append(None if carried.seed is None else tuple(carried.seed.numpy()))
            return x, 0.0

        def _inverse(self, y, carried):
            return y, None

    chain = Chain([Watch(), Chain([Watch(), Watch()]), ki.layers.FactorOut(Watch())])
    chain.forward_and_log_det(x, seed=(1, 2))
    assert len(set(seen)) == len(seen) == 4
    first = list(seen)
    chain.forward_and_log_det(x, seed=(1, 2))
    assert seen[4:] == first


def test_report_adds_steps_and_keeps_the_worst_residual():
    options = {"dtype": "float64"}
    blocks = [InvertibleResidualBlock(ki.layers.DenseBranch((5,), **options), **options) for _ in range(2)]
    chain = Chain(blocks, **options)
    y = chain(tf.random.normal((4, 3), dtype=tf.float64))
    middle, second = blocks[1].inverse_and_report(y)
    _, first = blocks[0].inverse_and_report(middle)
    _, report = chain.inverse_and_report(y)
    np.testing.assert_array_equal(report.steps, first.steps + second.steps)
    np.testing.assert_array_equal(report.residual, np.maximum(first.residual, second.residual))


def test_one_block_that_fails_fails_the_chain():
    blocks = [InvertibleResidualBlock(ki.layers.DenseBranch((5,)), max_steps=steps) for steps in (1, 1000)]
    for order in (blocks, blocks[::-1]):
        chain = Chain(order)
        report = chain.inverse_and_report(chain(tf.random.normal((4, 3))))[1]
        assert not report.converged.numpy().any()


def test_layer_without_an_inverse_is_refused():
    with pytest.raises(ValueError, match=r"`layers` must hold invertible layers .* Received: Dense"):
        Chain([Squeeze(), keras.layers.Dense(3)])


def test_empty_chain_is_the_identity():
    chain = Chain([], dtype="float64")
    x = tf.ones((2, 3), tf.float64)
    y, log_det = chain.forward_and_log_det(x, seed=1)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(log_det, [0, 0])
    assert log_det.dtype == tf.float64
