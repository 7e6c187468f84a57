import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.layers import Carried, ConvBranch
from keras_iresnet.ops.dequantize import dequantize
from keras_iresnet.ops.uniform import uniform


@pytest.mark.parametrize(("dtype", "step"), [("float32", 2.0**-24), ("float64", 2.0**-53)])
def test_numbers_are_uniform_in_the_finest_steps_of_the_dtype(dtype, step):
    count = 200_000
    drawn = uniform((count,), (1, 2), dtype).numpy()
    assert drawn.dtype == dtype
    assert drawn.min() >= 0
    assert drawn.max() < 1
    multiples = drawn / step
    np.testing.assert_array_equal(multiples, np.floor(multiples))
    assert abs((multiples % 2).mean() - 0.5) < 4 * 0.5 / np.sqrt(count)  # the last bit is random too
    counts = np.histogram(drawn, 20, (0, 1))[0]
    assert np.abs(counts - count / 20).max() < 4 * np.sqrt(count / 20 * 0.95)


def test_noise_and_dropout_are_the_same_compiled_or_not():
    images = tf.zeros((4, 5), tf.uint8)

    def noise():
        return dequantize(images, (3, 4), bins=17)

    np.testing.assert_allclose(tf.function(noise, jit_compile=True)(), noise(), rtol=1e-6)
    branch = ConvBranch(6, dropout=0.5, seed=1)
    branch.build((None, 4, 4, 2))
    mask = next(part for part in branch.as_map(Carried(training=True)).maps if hasattr(part, "rate"))

    def kept():
        return mask(tf.ones((4, 5)))

    np.testing.assert_array_equal(tf.function(kept, jit_compile=True)(), kept())
