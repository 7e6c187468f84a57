import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_case import InvertibleCase

from keras_iresnet.layers import ActNorm, Chain, ConvBranch, FactorOut, InvertibleResidualBlock, Squeeze


class TestFactorOut(InvertibleCase):
    input_shape = (2, 2, 4)
    under_xla = False

    def make(self, **kwargs):
        inner = Chain([Squeeze(), ActNorm(), InvertibleResidualBlock(ConvBranch(3)), FactorOut(ActNorm())])
        return FactorOut(inner, **kwargs)


def test_first_half_of_the_channels_leaves_unchanged():
    layer = FactorOut(Squeeze())
    x = np.arange(2 * 4 * 4 * 6, dtype="float32").reshape(2, 4, 4, 6)
    y = layer(x).numpy()
    np.testing.assert_array_equal(y[:, :48], x[..., :3].reshape(2, 48))
    np.testing.assert_array_equal(y[:, 48:], np.reshape(Squeeze()(x[..., 3:]), (2, 48)))


def test_initialisation_reaches_the_inner_layer():
    norm = ActNorm()
    layer = FactorOut(norm)
    y = layer.initialize(tf.random.normal((500, 4), 3.0, 2.0))
    assert bool(tf.convert_to_tensor(norm.initialized))
    np.testing.assert_allclose(np.std(y[:, 2:], 0), 1, rtol=1e-4)
    assert np.std(y[:, :2]) > 1.5


@pytest.mark.slow
class TestFactorOutOfOddChannels(InvertibleCase):
    input_shape = (2, 2, 3)
    under_xla = False

    def make(self, **kwargs):
        return FactorOut(Chain([Squeeze(), InvertibleResidualBlock(ConvBranch(3)), FactorOut(ActNorm())]), **kwargs)


def test_the_larger_half_of_odd_channels_stays():
    x = np.arange(10, dtype="float32").reshape(2, 5)
    layer = FactorOut(ActNorm())
    np.testing.assert_array_equal(layer(x), x)
    assert layer.layer.input_spec.shape == (None, 3)


@pytest.mark.parametrize("shape", [(None, 4, 4, 1), (None, 1), (None, None, 4, 2)])
def test_one_channel_and_unknown_sides_are_refused(shape):
    with pytest.raises(ValueError, match=r"at least 2 channels. Received: input_shape=\(None, "):
        FactorOut(ActNorm()).build(shape)


def test_layer_without_an_inverse_is_refused():
    with pytest.raises(ValueError, match=r"`layer` must hold invertible layers .* Received: Dense"):
        FactorOut(keras.layers.Dense(3))
