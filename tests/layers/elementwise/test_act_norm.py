import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from layer_case import InvertibleCase

from keras_iresnet.layers import ActNorm


class TestActNorm(InvertibleCase):
    input_shape = (3, 2, 4)

    def make(self, **kwargs):
        return ActNorm(**kwargs)


class TestActNormOfVectors(TestActNorm):
    input_shape = (4,)


@given(event=st.lists(st.integers(1, 4), min_size=1, max_size=3), seed=st.integers(0, 1000))
def test_initialisation_gives_every_channel_mean_0_and_variance_1(event, seed):
    rng = np.random.default_rng(seed)
    loc, scale = rng.normal(0, 10, event[-1]), np.exp(rng.normal(0, 2, event[-1]))
    x = loc + scale * rng.normal(size=(50, *event))
    layer = ActNorm(dtype="float64")
    y = np.reshape(layer.initialize(tf.constant(x)), (-1, event[-1]))
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(y.var(0), 1, rtol=1e-9)
    np.testing.assert_allclose(layer(x), np.reshape(y, x.shape), rtol=1e-12)


def test_layer_is_the_identity_until_it_is_initialised():
    layer = ActNorm()
    x = tf.random.normal((5, 3), 2.0, 3.0)
    np.testing.assert_array_equal(layer(x), x)
    assert not bool(tf.convert_to_tensor(layer.initialized))
    layer.initialize(x)
    assert bool(tf.convert_to_tensor(layer.initialized))


@pytest.mark.parametrize("initialized", [False, True])
def test_initialized_survives_saving(tmp_path, initialized):
    layer = ActNorm()
    model = keras.Sequential([keras.Input((3,)), layer])
    if initialized:
        layer.initialize(tf.random.normal((50, 3), 2.0, 3.0))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[0]
    assert bool(tf.convert_to_tensor(loaded.initialized)) is initialized
    np.testing.assert_array_equal(loaded.log_scale.numpy(), layer.log_scale.numpy())


def test_constant_channel_keeps_its_scale():
    x = tf.stack([tf.random.normal((20,)), tf.ones((20,))], -1)
    layer = ActNorm()
    y = layer.initialize(x)
    assert np.isfinite(y).all()
    np.testing.assert_allclose(y[:, 1], 0, atol=1e-5)
    assert float(layer.log_scale[1]) == 0


def test_training_does_not_initialise():
    layer = ActNorm()
    layer(tf.random.normal((5, 3), 2.0, 3.0), training=True)
    np.testing.assert_array_equal(layer.shift.numpy(), 0)
