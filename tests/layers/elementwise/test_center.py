import numpy as np
import tensorflow as tf
from layer_case import InvertibleCase

from keras_iresnet.layers import Center


class TestCenter(InvertibleCase):
    input_shape = (2, 2, 3)
    log_det_is_zero = True

    def make(self, **kwargs):
        return Center(0.25, **kwargs)


def test_offset_is_taken_off_and_put_back():
    layer = Center(0.25)
    y = layer(tf.constant([[0.0, 1.0]]))
    np.testing.assert_array_equal(y, [[-0.25, 0.75]])
    np.testing.assert_array_equal(layer.inverse(y), [[0.0, 1.0]])
