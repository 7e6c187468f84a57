import numpy as np
import pytest
from layer_case import InvertibleCase

from keras_iresnet.layers import PermuteChannels


class TestPermuteChannels(InvertibleCase):
    input_shape = (2, 2, 4)
    log_det_is_zero = True

    def make(self, **kwargs):
        return PermuteChannels([2, 0, 3, 1], **kwargs)


def test_each_channel_is_the_one_that_is_named():
    order = np.random.default_rng(0).permutation(7)
    x = np.random.default_rng(1).normal(size=(2, 3, 7)).astype("float32")
    np.testing.assert_array_equal(PermuteChannels(order)(x), x[..., order])


@pytest.mark.parametrize("order", [[0, 0], [1, 2], [], [-1, 0]])
def test_what_is_no_permutation_is_refused(order):
    with pytest.raises(ValueError, match=r"`order` must hold all numbers from 0, each once\. Received: order="):
        PermuteChannels(order)


def test_another_number_of_channels_is_refused():
    with pytest.raises(ValueError, match=r"The input must have 2 channels. Received: input_shape=\(1, 3\)"):
        PermuteChannels([1, 0])(np.zeros((1, 3)))
