import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_iresnet.ops.normal import normal


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1,), (7, 3), (500, 4), (0, 2)])
def test_it_is_what_tensorflow_draws_where_python_runs(dtype, shape):
    found = normal(shape, (5, 9), dtype)
    assert found.shape == shape
    assert found.dtype == dtype
    np.testing.assert_allclose(found, tf.random.stateless_normal(shape, (5, 9), dtype=dtype), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_is_the_same_however_it_is_compiled(dtype):
    def draw(seed):
        return normal((50, 3), seed, dtype)

    eager = draw(tf.constant([1, 2]))
    for jit_compile in (False, True):
        compiled = tf.function(draw, jit_compile=jit_compile)(tf.constant([1, 2]))
        np.testing.assert_allclose(compiled, eager, rtol=1e-5, atol=1e-5)
    assert abs(draw(tf.constant([1, 3])) - eager).numpy().min() > 0


def test_a_number_of_rows_that_is_known_late_is_taken():
    drawn = tf.function(lambda n: normal((n, 2), (0, 1)))(tf.constant(5))
    np.testing.assert_allclose(drawn, normal((5, 2), (0, 1)), rtol=1e-6)


def test_it_is_normal():
    assert stats.kstest(normal((20_000,), (3, 4)).numpy(), "norm").pvalue > 1e-3
