import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from layer_case import InvertibleCase

from keras_iresnet.layers import Squeeze


class TestSqueeze(InvertibleCase):
    input_shape = (4, 2, 3)
    log_det_is_zero = True

    def make(self, **kwargs):
        return Squeeze(**kwargs)


@given(
    factor=st.integers(2, 3),
    height=st.integers(1, 3),
    width=st.integers(1, 3),
    channels=st.integers(1, 3),
)
def test_every_patch_becomes_a_pixel(factor, height, width, channels):
    x = np.random.default_rng(0).normal(size=(2, factor * height, factor * width, channels)).astype("float32")
    layer = Squeeze(factor)
    y = layer(x).numpy()
    assert y.shape == (2, height, width, factor**2 * channels)
    for i in range(height):
        for j in range(width):
            patch = x[:, factor * i : factor * (i + 1), factor * j : factor * (j + 1)]
            np.testing.assert_array_equal(np.sort(y[:, i, j]), np.sort(patch.reshape(2, -1)))
    np.testing.assert_array_equal(layer.inverse(y), x)


@pytest.mark.parametrize("shape", [(2, 5, 4, 1), (2, 4, 3, 1), (2, 4, 4), (2, None, 4, 1)])
def test_sides_that_cannot_be_divided_are_refused(shape):
    with pytest.raises(ValueError, match=r"height and width divisible by factor=2. Received: input_shape=\(2, "):
        Squeeze().build(shape)


def test_odd_image_is_refused_when_called():
    with pytest.raises(ValueError, match=r"divisible by factor=2. Received: input_shape=\(1, 7, 7, 1\)"):
        Squeeze()(tf.zeros((1, 7, 7, 1)))


@pytest.mark.parametrize("factor", [1, 0, 2.0, "2"])
def test_factor_that_squeezes_nothing_is_refused(factor):
    with pytest.raises(ValueError, match=f"`factor` must be an integer of at least 2. Received: factor={factor!r}"):
        Squeeze(factor)
