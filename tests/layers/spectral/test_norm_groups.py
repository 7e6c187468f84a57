"""Matrices normalised together come out as they would one by one."""

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

from keras_iresnet.layers import Chain, ConvBranch, DenseBranch, InvertibleResidualBlock, SpectralDense
from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.spectral.norm_groups import with_norms_together
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.ops.log_det import ExactLogDet

CHAINS = {
    "dense": (lambda: DenseBranch((6, 6), coeff=0.6, dtype="float64"), (3, 4)),
    "conv": (lambda: ConvBranch(4, coeff=0.6, dtype="float64"), (3, 2, 2, 2)),
}


@pytest.fixture(params=CHAINS)
def chain(request):
    """Three blocks with large kernels and vectors far from converged, and an input."""
    make, shape = CHAINS[request.param]
    blocks = [InvertibleResidualBlock(make(), estimator=ExactLogDet(), dtype="float64") for _ in range(3)]
    chain, x = Chain(blocks, dtype="float64"), tf.random.stateless_normal(shape, (1, 2), dtype="float64")
    chain(x)
    for i, layer in enumerate(spectral_layers(chain)):
        layer.kernel.assign(3 * tf.random.stateless_normal(layer.kernel.shape, (i, 3), dtype="float64"))
        layer.u.assign(tf.random.stateless_normal(layer.u.shape, (i, 4), dtype="float64"))
        layer.u.assign(layer.u / tf.norm(layer.u))
    return chain, x


def spectral_layers(layer):
    return [inner for inner in layer._flatten_layers() if isinstance(inner, SpectralLayer)]


def graph(function):
    return tf.function(function).get_concrete_function().graph


def step_apart(chain, x):
    """Output of a training call in which every layer normalises its own kernel."""
    for layer in chain.layers:
        x = layer(x, training=True)
    return x


def step(chain, x, together):
    """Output, log-det, gradients and vectors after a training call."""
    with tf.GradientTape() as tape:
        if together:
            y, log_det = chain.forward_and_log_det(x, training=True)
        else:
            y, log_det = chain._forward(x, Carried(training=True))
        loss = tf.reduce_sum(y**2) + tf.reduce_sum(log_det)
    weights = [weight.value for weight in chain.trainable_weights]
    return [y, log_det, *tape.gradient(loss, weights), *[tf.identity(layer.u) for layer in spectral_layers(chain)]]


def test_nothing_changes_but_the_number_of_operations(chain):
    chain, x = chain
    start = chain.get_weights()
    apart = step(chain, x, together=False)
    vectors = [layer.u.numpy() for layer in spectral_layers(chain)]
    chain.set_weights(start)
    together = step(chain, x, together=True)
    for ours, expected in zip(together, apart, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-12)
    for old, new in zip(start, chain.get_weights(), strict=True):
        assert old.shape == new.shape
    assert all(np.abs(u).max() > 0 for u in vectors)


def test_a_call_is_one_group_chains_in_chains_too(chain):
    chain, x = chain
    start = chain.get_weights()
    expected = step(chain, x, together=False)[0]
    vectors = [layer.u.numpy() for layer in spectral_layers(chain)]
    nested = Chain([Chain(chain.layers[:2], dtype="float64"), chain.layers[2]], dtype="float64")
    nested.build(x.shape)
    for outer in (chain, nested):
        chain.set_weights(start)
        np.testing.assert_allclose(outer(x, training=True), expected, rtol=1e-10, atol=1e-12)
        for layer, u in zip(spectral_layers(chain), vectors, strict=True):
            np.testing.assert_allclose(layer.u, u, rtol=1e-10, atol=1e-12)  # advanced once
        operations = graph(lambda outer=outer: outer(x, training=True)).get_operations()
        assert len(operations) < len(graph(lambda: step_apart(chain, x)).get_operations())


def test_kernels_have_the_norm_coeff_after_many_calls(chain):
    chain, x = chain

    @tf.function(autograph=False)
    def advance():
        with_norms_together(chain, Carried(training=True))

    for _ in range(500):
        advance()
    kernels = with_norms_together(chain, Carried(training=True)).kernels
    assert len(kernels) == (9 if x.shape.rank == 2 else 3)  # dense layers, or 1x1 convolutions
    for layer, kernel in kernels.items():
        assert oracles.operator_norm(layer, kernel) == pytest.approx(0.6, rel=1e-5)


def test_evaluation_reads_the_vectors(chain):
    chain, x = chain
    start = [layer.u.numpy() for layer in spectral_layers(chain)]
    chain.forward_and_log_det(x)
    for layer, u in zip(spectral_layers(chain), start, strict=True):
        np.testing.assert_array_equal(layer.u, u)


def test_layers_that_differ_stay_apart():
    unlike = [SpectralDense(4, coeff=0.5), SpectralDense(4, coeff=0.6), SpectralDense(4, coeff=None)]
    unlike += [SpectralDense(4, coeff=0.5, power_iterations=2), SpectralDense(4, coeff=0.5, dtype="float64")]
    model = keras.Sequential(unlike)
    model.build((None, 4))
    assert not with_norms_together(model, Carried(training=True)).kernels


def test_kernels_go_with_the_pass_alone(chain):
    chain, _ = chain
    carried = Carried()
    together = with_norms_together(chain, carried)
    assert together.kernels
    assert not carried.kernels
    layer = next(iter(together.kernels))
    zero = tf.zeros_like(layer.kernel)
    assert layer.normalized_kernel(Carried(kernels={layer: zero})) is zero
    np.testing.assert_allclose(layer.normalized_kernel(), together.kernels[layer], rtol=1e-12)
    with pytest.raises(TypeError):
        together.kernels[layer] = zero


def test_graph_is_smaller(chain):
    chain, x = chain
    together, apart = (graph(lambda how=how: step(chain, x, together=how)[:2]) for how in (True, False))
    assert len(together.get_operations()) < len(apart.get_operations())
