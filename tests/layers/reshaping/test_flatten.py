import numpy as np
import pytest
import tensorflow as tf
from layer_case import InvertibleCase

from keras_iresnet.layers import Flatten


class TestFlatten(InvertibleCase):
    input_shape = (4, 2, 3)
    log_det_is_zero = True

    def make(self, **kwargs):
        return Flatten(**kwargs)


@pytest.mark.parametrize("event", [(2, 3, 4), (5, 2), (6,)])
def test_each_example_is_its_numbers_in_their_order(event):
    x = np.random.default_rng(0).normal(size=(3, *event)).astype("float32")
    layer = Flatten()
    y = layer(x)
    np.testing.assert_array_equal(y, [example.ravel() for example in x])
    np.testing.assert_array_equal(layer.inverse(y), x)


@pytest.mark.parametrize("shape", [(None, None, 4, 1), (None,)])
def test_sides_that_are_not_known_are_refused(shape):
    with pytest.raises(ValueError, match=r"must know all sides of an example. Received: input_shape="):
        Flatten().build(shape)


def test_another_shape_is_refused_after_the_first():
    layer = Flatten()
    layer(tf.zeros((1, 2, 2, 1)))
    with pytest.raises(ValueError, match="expected shape"):
        layer(tf.zeros((1, 4, 1, 1)))
