import logging.handlers

import pytest
import tensorflow as tf

from keras_iresnet.evaluation.batchwise import compiled
from keras_iresnet.layers import SpectralDense


@pytest.fixture
def warnings():
    """What TensorFlow's Python says meanwhile."""
    records = logging.handlers.BufferingHandler(1000)
    tf.get_logger().addHandler(records)
    yield records.buffer
    tf.get_logger().removeHandler(records)


def _doubled(n):
    @compiled
    def double(x):
        return 2 * x

    return double(tf.ones(n))


def _converged(n):
    layer = SpectralDense(n)
    layer.build((None, n))
    layer.converge()


@pytest.mark.parametrize("make", [_doubled, _converged])
def test_functions_that_are_traced_once_bring_no_warning_of_many_traces(make, warnings):
    for n in range(1, 13):
        make(n)
    assert not [record.getMessage() for record in warnings if "retracing" in record.getMessage()]
