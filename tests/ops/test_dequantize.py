import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_iresnet.ops.dequantize import dequantize, quantize


@given(bins=st.sampled_from([2, 3, 17, 255, 256, 257, 1000, 65536]), seed=st.integers(0, 2**30))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_round_trip_gives_the_same_images(dtype, bins, seed):
    rng = np.random.default_rng(seed)
    images = np.concatenate([rng.integers(0, bins, size=(3, 4, 5, 2)), np.full((1, 4, 5, 2), bins - 1)])
    x = dequantize(tf.constant(images, tf.int32), (seed, 1), bins=bins, dtype=dtype)
    assert x.dtype == dtype
    assert float(tf.reduce_min(x)) > 0
    assert float(tf.reduce_max(x)) < 1
    np.testing.assert_array_equal(quantize(x, bins=bins), images)


@pytest.mark.parametrize("bins", [2, 17, 256, 65536])
def test_rounding_never_carries_a_value_into_the_next_bin(bins):
    # In float32, 65535 + u is rounded up to 65536 for one u in 500: the noise must keep away from there.
    images = np.full(100_000, bins - 1)
    x = dequantize(tf.constant(images, tf.int32), (3, 4), bins=bins, dtype=tf.float32)
    assert float(tf.reduce_max(x)) < 1
    np.testing.assert_array_equal(np.floor(bins * x.numpy()), images)


def test_noise_is_uniform_and_independent():
    count, bins = 200_000, 4
    images = np.random.default_rng(0).integers(0, bins, size=(count, 2)).astype("uint8")
    noise = bins * dequantize(images, (1, 2), bins=bins, dtype=tf.float64).numpy() - images
    # 20 cells of equal probability, each within 4 standard errors of a binomial count
    for column in noise.T:
        counts = np.histogram(column, 20, (0, 1))[0]
        assert np.abs(counts - count / 20).max() < 4 * np.sqrt(count / 20 * 0.95)
    for other in (noise[:, 1], np.roll(noise[:, 0], 1), images[:, 0] / bins):
        assert abs(np.corrcoef(noise[:, 0], other)[0, 1]) < 4 / np.sqrt(count)


def test_noise_comes_from_the_seed_alone():
    images = np.zeros((2, 3), "uint8")
    first, again, other = (dequantize(images, seed, bins=2) for seed in [(1, 2), (1, 2), (1, 3)])
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_points_outside_go_to_the_nearest_bin():
    x = tf.constant([-3.0, -1e-9, 0.0, 0.999, 1.0, 7.0])
    assert quantize(x, bins=10).numpy().tolist() == [0, 0, 0, 9, 9, 9]


@pytest.mark.parametrize(("bins", "dtype"), [(2, "uint8"), (256, "uint8"), (257, "uint16"), (65536, "uint16")])
def test_images_have_the_smallest_unsigned_type(bins, dtype):
    images = quantize(tf.constant([1.0]), bins=bins)
    assert images.dtype == dtype
    assert images.numpy() == [bins - 1]
