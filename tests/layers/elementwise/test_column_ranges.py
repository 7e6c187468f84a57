import numpy as np
import pytest
import tensorflow as tf
from layer_case import InvertibleCase

from keras_iresnet.layers.elementwise.column_ranges import ColumnRanges


class TestColumnRanges(InvertibleCase):
    input_shape = (4,)

    def make(self, **kwargs):
        return ColumnRanges(positive=(1,), bounds=((2, 0, 1), (3, -4, 6)), **kwargs)

    def data(self, dtype="float64", batch=3, seed=0):
        x = np.random.default_rng(seed).normal(size=(batch, *self.input_shape))
        x[:, 1], x[:, 2] = np.exp(x[:, 1]), 1 / (1 + np.exp(-x[:, 2]))
        x[:, 3] = 10 / (1 + np.exp(-x[:, 3])) - 4
        return tf.constant(x, dtype)


def test_outside_of_its_range_a_row_has_no_density():
    layer = ColumnRanges(positive=(0,), bounds=((1, 0, 1),))
    rows = tf.constant([[1.0, 0.5, -3.0], [0.0, 0.5, 0.0], [1.0, 1.0, 0.0], [-1.0, -2.0, 0.0]])
    y, log_det = layer.forward_and_log_det(rows)
    assert np.isfinite(y).all()
    np.testing.assert_allclose(log_det, [np.log(4), -np.inf, -np.inf, -np.inf], rtol=1e-6)


@pytest.mark.parametrize(
    "options", [{"positive": (0, 0)}, {"positive": (0,), "bounds": ((0, 0, 1),)}, {"bounds": ((3, 0, 1),)}]
)
def test_indices_are_those_of_columns(options):
    with pytest.raises(ValueError, match=r"by indices below their number, 3. Received: positive="):
        ColumnRanges(**options).build((None, 3))


@pytest.mark.parametrize("between", [(1, 1), (2, 1), (0, np.inf), (np.nan, 1)])
def test_bounds_are_two_numbers_in_order(between):
    with pytest.raises(ValueError, match="`bounds` must be finite, the lower one first"):
        ColumnRanges(bounds=((0, *between),))
