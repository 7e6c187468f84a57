import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet import data
from keras_iresnet.data.augmentation import SHIFT, augment


def coordinates(batch, height=9, width=12):
    """Images whose two channels are the row and the column of a pixel."""
    rows, columns = np.mgrid[:height, :width]
    return np.broadcast_to(np.stack([rows, columns], -1), (batch, height, width, 2)).astype(np.uint8)


def padded_crops(image):
    """(row, column, mirrored) -> crop of the symmetrically padded image: numpy's own padding."""
    height, width = image.shape[:2]
    padded = np.pad(image, [(SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)], mode="symmetric")
    shifts = range(2 * SHIFT + 1)
    crops = {(i, j, False): padded[i : i + height, j : j + width] for i in shifts for j in shifts}
    return crops | {(i, j, True): crop[:, ::-1] for (i, j, _), crop in crops.items()}


def drawn(images, augmentation, seed=(3, 4)):
    """Which crop each augmented image is."""
    crops = {crop.tobytes(): key for key, crop in padded_crops(images[0]).items()}
    return [crops[image.tobytes()] for image in augment(tf.constant(images), augmentation, seed=seed).numpy()]


@pytest.mark.parametrize("augmentation", ["shift", "shift_flip"])
def test_every_crop_of_the_padded_image_is_as_likely(augmentation):
    n = 4000
    keys = np.array(drawn(coordinates(n), augmentation))
    for shifts in keys[:, :2].T:
        counts = np.bincount(shifts, minlength=9)
        assert np.all(abs(counts - n / 9) < 5 * np.sqrt(n / 9 * 8 / 9))
    assert abs(np.corrcoef(keys[:, 0], keys[:, 1])[0, 1]) < 5 / np.sqrt(n)
    mirrored = keys[:, 2].mean()
    assert mirrored == 0 if augmentation == "shift" else abs(mirrored - 0.5) < 5 * 0.5 / np.sqrt(n)


def test_the_seed_decides():
    images = coordinates(50)
    assert drawn(images, "shift_flip") == drawn(images, "shift_flip") != drawn(images, "shift_flip", seed=(3, 5))


def test_none_leaves_images_alone():
    images = coordinates(3)
    np.testing.assert_array_equal(augment(images, "none", seed=(0, 0)), images)


def batches(augmentation, seed, **options):
    split = tf.data.Dataset.from_tensor_slices(coordinates(40))
    return data.batches(split, 16, seed=seed, augmentation=augmentation, **options)


def passes(dataset, count=3):
    return [np.concatenate(list(dataset.as_numpy_iterator())) for _ in range(count)]


def test_each_pass_and_each_batch_is_augmented_anew_and_follows_from_the_seed():
    first, second = batches("shift", seed=5), batches("shift", seed=5)
    epochs = passes(first)
    assert [epoch.shape for epoch in epochs] == [(40, 9, 12, 2)] * 3
    assert (epochs[0] != epochs[1]).any()
    assert (epochs[0][:16] != epochs[0][16:32]).any()
    np.testing.assert_array_equal(passes(second), epochs)
    assert (passes(batches("shift", seed=6), 1)[0] != epochs[0]).any()


def test_augmented_batches_keep_size_type_and_partial_batch():
    kept, dropped = batches("shift_flip", 0), batches("shift_flip", 0, drop_remainder=True)
    assert (len(kept), len(dropped)) == (3, 2)
    assert dropped.element_spec == tf.TensorSpec((16, 9, 12, 2), tf.uint8)
    assert [len(batch) for batch in kept] == [16, 16, 8]


def test_the_cache_holds_images_that_are_not_augmented():
    # 27 of the 30 passes would show a cached augmentation again.
    corners = {int(epoch[0, 0, 0, 0]) for epoch in passes(batches("shift", seed=1), 30)}
    assert len(corners) > 2


@pytest.mark.parametrize("augmentation", ["flip", "", "Shift"])
def test_an_unknown_augmentation_is_refused(augmentation):
    with pytest.raises(ValueError, match=f"none, shift, shift_flip. Received: augmentation='{augmentation}'"):
        batches(augmentation, 0)


def test_points_cannot_be_shifted():
    with pytest.raises(ValueError, match=r"needs a split of images.*Received: augmentation='shift'"):
        data.batches(data.load("toy/moons").train, 10, augmentation="shift")
