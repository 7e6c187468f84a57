"""The trace without vectors against that of a dense Jacobian by automatic differentiation."""

import numpy as np
import pytest
import tensorflow as tf
from oracles import jacobian, leave_identity

from keras_iresnet.layers import ConvBranch, DenseBranch, DenseNetBranch
from keras_iresnet.ops import maps

CASES = {
    "dense, one hidden layer": (lambda **how: DenseBranch((6,), **how), (5,)),
    "dense, one hidden layer, no activation first": (lambda **how: DenseBranch((6,), preactivate=False, **how), (5,)),
    "dense, two": (lambda **how: DenseBranch((6, 7), preactivate=False, **how), (5,)),
    "3x3 twice": (lambda **how: ConvBranch(4, kernel_sizes=(3, 3), **how), (7, 5, 2)),
    "3-1-3": (lambda **how: ConvBranch((4, 6), preactivate=False, **how), (4, 4, 2)),
    "3-1-3 on 7x5": (lambda **how: ConvBranch((4, 6), preactivate=False, **how), (7, 5, 3)),
    "5-1-5 on 3x2": (lambda **how: ConvBranch(4, kernel_sizes=(5, 1, 5), preactivate=False, **how), (3, 2, 2)),
    "with dropout": (lambda **how: ConvBranch(4, preactivate=False, dropout=0.3, **how), (4, 4, 2)),
}
UNKNOWN = {
    "an activation first": (ConvBranch(4), (4, 4, 2)),
    "3-3-3": (ConvBranch(4, kernel_sizes=(3, 3, 3), preactivate=False), (4, 4, 2)),
    "3-1": (ConvBranch(4, kernel_sizes=(3, 1), preactivate=False), (4, 4, 2)),
    "even kernels": (ConvBranch(4, kernel_sizes=(2, 1, 2), preactivate=False), (4, 4, 2)),
    "three hidden layers": (DenseBranch((4, 4, 4), preactivate=False), (3,)),
    "no hidden layer": (DenseBranch((), preactivate=False), (3,)),
    "pairs": (DenseBranch((4,), activation="maxmin", preactivate=False), (3,)),
    "two sides": (DenseBranch((4,), activation="clipswish", preactivate=False), (3,)),
    "concatenation": (DenseNetBranch(growth=2, depth=2), (4, 4, 2)),
}


def _made(branch, event, **how):
    branch = branch(dtype="float64", **how) if callable(branch) and not hasattr(branch, "build") else branch
    branch.build((None, *event))
    return leave_identity(branch), tf.constant(np.random.default_rng(1).normal(size=(3, *event)))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("activation", ["elu", "lipswish", "relu"])
@pytest.mark.sweep(2)
def test_trace_is_that_of_the_dense_jacobian(name, activation):
    branch, x = _made(*CASES[name], activation=activation)
    g = maps.Composition([branch.as_map(), maps.Scale(-1.0)])
    expected = np.trace(jacobian(g, x).numpy(), axis1=1, axis2=2)
    assert np.abs(expected).min() > 0.3
    np.testing.assert_allclose(maps.exact_trace(g, x), expected, rtol=1e-10)


def test_an_offset_between_the_layers_moves_the_slopes():
    kernels = [tf.constant(np.random.default_rng(i).normal(size=size)) for i, size in enumerate(((3, 4), (4, 3)))]
    layers, shift = [maps.Dense(kernel) for kernel in kernels], maps.Shift(tf.constant([[2.0], [-1.0]], tf.float64))
    tanh = maps.Elementwise(lambda x: (tf.tanh(x), 1 - tf.tanh(x) ** 2))
    g, x = maps.Composition([layers[0], shift, tanh, layers[1]]), tf.ones((2, 3), tf.float64)
    expected = np.trace(jacobian(g, x).numpy(), axis1=1, axis2=2)
    assert abs(expected[0] - expected[1]) > 0.1
    np.testing.assert_allclose(maps.exact_trace(g, x), expected, rtol=1e-10)


@pytest.mark.parametrize("name", UNKNOWN)
def test_other_structures_have_none(name):
    branch, x = _made(*UNKNOWN[name])
    assert maps.exact_trace(branch.as_map(), tf.cast(x, "float32")) is None


def test_strides_a_tape_and_a_last_activation_have_none():
    relu = maps.Elementwise(lambda x: (tf.nn.relu(x), tf.cast(x > 0, x.dtype)))
    kernel, x = tf.ones((3, 3, 2, 2)), tf.ones((1, 4, 4, 2))
    twice = [maps.Conv2D(kernel, grid=(4, 4, 2))] * 2
    assert maps.exact_trace(maps.Composition(twice), x) is not None
    assert maps.exact_trace(maps.Composition([*twice, relu]), x) is None
    assert maps.exact_trace(maps.Composition([relu, relu, *twice]), x) is None
    assert maps.exact_trace(maps.Taped(maps.Composition(twice)), x) is None
    valid = [maps.Conv2D(kernel, grid=(4, 4, 2), padding="VALID")] * 2
    assert maps.exact_trace(maps.Composition(valid), x) is None
