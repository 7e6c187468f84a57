import numpy as np
import pytest

from keras_iresnet.data.matched import matched


def test_areas_are_averaged_and_values_scaled():
    images = np.random.default_rng(0).integers(0, 256, (5, 24, 16, 2), dtype=np.uint8)
    found = matched(images, 256, event_shape=(8, 4, 2), to_bins=17).numpy()
    means = images.reshape(5, 8, 3, 4, 4, 2).mean((2, 4)) * 16 / 255
    assert found.dtype == np.uint8
    assert np.abs(found.astype(float) - means).max() < 0.501
    assert np.ptp(found) > 5


def test_the_same_shape_and_bins_change_nothing():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(matched(images, 256, event_shape=(16, 16, 1), to_bins=256), images)


def test_another_number_of_channels_is_refused():
    with pytest.raises(ValueError, match=r"must have 3 channels\. Received: shape=\(1, 4, 4, 1\)"):
        matched(np.zeros((1, 4, 4, 1), np.uint8), 256, event_shape=(4, 4, 3), to_bins=256)
