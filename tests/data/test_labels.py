"""Labelled examples: the same pipeline, in pairs."""

import numpy as np
import pytest
import tensorflow as tf
from test_tfds_images import TRAIN, prepare

from keras_iresnet import data
from keras_iresnet.data import digits


def pairs(split):
    images, labels = zip(*split.as_numpy_iterator(), strict=True)
    return np.stack(images), np.array(labels)


def test_digits_come_with_their_classes_split_as_without():
    images, labels = digits.load_arrays()
    splits = data.load("digits", labels=True)
    assert splits.classes == 10
    for split, part in zip((splits.train, splits.validation, splits.test), digits.split_indices(labels), strict=True):
        found_images, found_labels = pairs(split)
        np.testing.assert_array_equal(found_images, images[part])
        np.testing.assert_array_equal(found_labels, labels[part])


def test_tfds_images_come_with_their_classes(tmp_path):
    folder = prepare(tmp_path, "handmade")
    splits = data.load("tfds/handmade", data_dir=folder, labels=True)
    images, labels = pairs(splits.train)
    assert splits.classes == 10
    assert len(labels) == TRAIN - 2
    np.testing.assert_array_equal(labels, images[:, 0, 0, 0] % 10)  # the value of the corner is that of the example
    assert data.load("tfds/handmade", data_dir=folder).classes is None


def test_tfds_images_without_classes_are_refused(tmp_path):
    import tensorflow_datasets as tfds

    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    tfds.dataset_builders.store_as_tfds_dataset(
        name="unlabelled",
        version="1.0.0",
        features=tfds.features.FeaturesDict({"image": tfds.features.Image(shape=(16, 16, 1))}),
        split_datasets={split: [(i, {"image": image}) for i in range(20)] for split in ("train", "test")},
        data_dir=tmp_path,
    )
    with pytest.raises(ValueError, match=r"unlabelled must have a feature 'label' .* Received: label=None"):
        data.load("tfds/unlabelled", data_dir=tmp_path, labels=True)


def test_toys_have_no_classes():
    with pytest.raises(ValueError, match=r"labelled images\. Received: name='toy/moons'"):
        data.load("toy/moons", labels=True)


@pytest.mark.parametrize("augmentation", ["none", "shift_flip"])
def test_labels_stay_with_their_images(augmentation):
    values = np.arange(50, dtype=np.uint8)
    images = np.broadcast_to(values[:, None, None, None], (50, 8, 8, 1))  # of one value: a shift changes nothing
    split = tf.data.Dataset.from_tensor_slices((images, values % 7))
    batches = data.batches(split, 16, shuffle=True, seed=0, drop_remainder=True, augmentation=augmentation)
    assert batches.element_spec[0].shape == (16, 8, 8, 1)
    seen = []
    for batch, labels in batches:
        np.testing.assert_array_equal(batch[:, 3, 3, 0] % 7, labels)
        np.testing.assert_array_equal(batch[:, 0, 7, 0], batch[:, 5, 2, 0])
        seen += batch[:, 0, 0, 0].numpy().tolist()
    assert len(set(seen)) == 48
    assert seen != sorted(seen)


def test_labelled_images_are_augmented():
    split = data.load("digits", labels=True).train
    plain, shifted = (next(iter(data.batches(split, 64, augmentation=how, seed=0))) for how in ("none", "shift"))
    np.testing.assert_array_equal(plain[1], shifted[1])
    assert (plain[0] != shifted[0]).numpy().mean() > 0.2
