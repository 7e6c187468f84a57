import zlib

import numpy as np
from sklearn.datasets import load_digits

from keras_iresnet.data import digits


def arrays_of(splits):
    return [np.stack(list(part.as_numpy_iterator())) for part in (splits.train, splits.validation, splits.test)]


def test_arrays_are_those_of_scikit_learn():
    images, labels = digits.load_arrays()
    expected, expected_labels = load_digits(return_X_y=True)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images.reshape(1797, 64), expected)
    np.testing.assert_array_equal(labels, expected_labels)
    assert images.max() == digits.BINS - 1


def test_split_is_a_partition():
    _, labels = digits.load_arrays()
    parts = digits.split_indices(labels)
    assert len(parts[0]) + len(parts[1]) == 1437
    assert len(parts[2]) == 360
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(1797))


def test_split_is_stratified_and_each_part_mixes_the_classes():
    _, labels = digits.load_arrays()
    total = np.bincount(labels)
    for part in digits.split_indices(labels):
        share = len(part) / len(labels)
        assert np.abs(np.bincount(labels[part]) - share * total).max() < 2
        assert len(set(labels[part][:60])) == 10


def test_split_is_the_one_that_figures_were_measured_on():
    # Pinned on purpose: released models were trained and tested on these sets, which may never change.
    _, labels = digits.load_arrays()
    checksums = [zlib.crc32(part.astype("<i4").tobytes()) for part in digits.split_indices(labels)]
    assert checksums == [3940577649, 2599854018, 1029794317]


def test_splits_hold_the_images_of_their_indices_and_no_labels():
    images, labels = digits.load_arrays()
    splits = digits.load()
    for array, part in zip(arrays_of(splits), digits.split_indices(labels), strict=True):
        assert array.dtype == np.uint8
        np.testing.assert_array_equal(array, images[part])
