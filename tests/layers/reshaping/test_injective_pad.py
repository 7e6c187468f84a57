import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from layer_case import InvertibleCase

from keras_iresnet.layers import InjectivePad


class TestInjectivePad(InvertibleCase):
    input_shape = (2, 2, 3)
    log_det_is_zero = True

    def make(self, **kwargs):
        return InjectivePad(2, **kwargs)


@given(event=st.lists(st.integers(1, 4), min_size=1, max_size=3), channels=st.integers(1, 5))
def test_zeros_are_appended_and_dropped(event, channels):
    x = np.random.default_rng(0).normal(size=(2, *event)).astype("float32")
    layer = InjectivePad(channels)
    y = layer(x).numpy()
    np.testing.assert_array_equal(y[..., : event[-1]], x)
    np.testing.assert_array_equal(y[..., event[-1] :], np.zeros((2, *event[:-1], channels)))
    np.testing.assert_array_equal(layer.inverse(tf.constant(y)), x)


@pytest.mark.parametrize("channels", [0, -1, 1.5])
def test_padding_by_nothing_is_refused(channels):
    with pytest.raises(ValueError, match=f"`channels` must be an integer of at least 1. Received: channels={channels}"):
        InjectivePad(channels)
