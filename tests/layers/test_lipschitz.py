import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import convolution_matrix, jacobian, norm

import keras_iresnet as ki
from keras_iresnet.layers.keras_lipschitz import _ACTIVATIONS
from keras_iresnet.layers.lipschitz import UnknownBoundError, part_bounds


def _norms(layer, shape):
    if not layer.built:
        layer.build((None, *shape))
    return [(found.norm, found.method) for found in part_bounds(layer, (None, *shape))]


def _dense(units, **options):
    return keras.layers.Dense(units, kernel_initializer="random_normal", **options)


def test_branch_of_keras_layers_is_bounded_by_its_operators():
    branch = keras.Sequential(
        [
            keras.layers.Conv2D(5, 3, padding="same", activation="elu"),
            keras.layers.Conv2D(6, 2, strides=2, padding="same", activation="sigmoid"),
            keras.layers.LeakyReLU(2.0),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            _dense(50),
            keras.layers.ReLU(),
            keras.layers.Reshape((5, 5, 2)),
        ]
    )
    found = _norms(branch, (5, 5, 2))
    first, second, dense = branch.layers[0], branch.layers[1], branch.layers[5]
    expected = [
        norm(convolution_matrix(first.kernel, (5, 5))),
        norm(convolution_matrix(second.kernel, (5, 5), strides=2)),
        0.25,
        2.0,
        norm(dense.kernel),
    ]
    assert [value for value, _ in found] == pytest.approx(expected, rel=1e-9)
    assert [method for _, method in found] == ["operator", "operator", "activation", "activation", "matrix"]
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 5, 5, 2)), tf.float32)
    slopes = [norm(one) for one in jacobian(branch, x).numpy()]
    assert 0 < max(slopes) <= math.prod(expected)


def test_block_with_a_branch_of_keras_layers_is_certified_and_the_certificate_holds():
    branch = keras.Sequential([_dense(16, activation="tanh"), _dense(4)])
    block = ki.layers.InvertibleResidualBlock(branch, estimator=ki.ExactLogDet())
    block.build((None, 4))
    report = ki.certify(block)
    assert report.invertible
    for layer in branch.layers:
        layer.kernel.assign(layer.kernel / norm(layer.kernel) * 1.1)
    report = ki.certify(block)
    assert report.bound == pytest.approx(1.21, rel=1e-5)
    assert not report.invertible


@pytest.mark.parametrize("name", _ACTIVATIONS)
@pytest.mark.sweep(4)
def test_no_slope_of_an_activation_exceeds_its_constant(name):
    x = tf.constant(np.random.default_rng(1).normal(size=(400, 7)) * 3, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = keras.activations.get(name)(x)
    steepest = max(norm(one) for one in tape.batch_jacobian(y, x).numpy())
    # Attained but for softmax, whose constant is 1/2, and for slopes that are reached at infinity or at one point.
    assert 0.45 * _ACTIVATIONS[name] < steepest <= _ACTIVATIONS[name] * (1 + 1e-6)


class _Declares(keras.layers.Layer):
    def __init__(self, bound):
        super().__init__()
        self.bound = bound

    def call(self, x):
        return self.bound * tf.sin(x)

    def lipschitz_bound(self):
        return self.bound


def test_layers_of_ones_own_declare_their_bound():
    assert _norms(_Declares(0.3), (4,)) == [(0.3, "declared")]
    block = ki.layers.InvertibleResidualBlock(keras.Sequential([_Declares(0.5), ki.layers.SpectralDense(4, coeff=0.8)]))
    block.build((None, 4))
    assert ki.certify(block).bound == pytest.approx(0.5 * norm(block.branch.layers[1].normalized_kernel()))
    with pytest.raises(ValueError, match=r"`lipschitz_bound\(\)` of .* at least 0\. Received: nan"):
        _norms(_Declares(math.nan), (4,))


class _Wider(keras.layers.Dense):
    def call(self, x):
        return 3 * super().call(x)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (_Wider(4), "a _Wider"),
        (_dense(4, activation=tf.math.square), "whose activation is square"),
        (_dense(4, dtype="mixed_bfloat16"), "rounds to bfloat16"),
        (keras.layers.Conv2D(4, 3, dilation_rate=2, padding="same"), "dilation"),
        (keras.layers.Conv2D(4, 3, groups=2, padding="same"), "groups"),
        (keras.layers.ReLU(threshold=1.0), "jumps"),
        (keras.layers.BatchNormalization(), "a BatchNormalization"),
    ],
)
def test_what_is_not_known_is_said_to_be(layer, reason):
    with pytest.raises(UnknownBoundError, match=reason):
        _norms(layer, (6, 6, 4))
