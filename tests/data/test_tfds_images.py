"""TFDS is not mocked: it writes small data sets to a temporary folder, and we read them as a user's."""

import os
import re

import numpy as np
import pytest

from keras_iresnet.data import load, tfds_images

TRAIN, TEST, VALIDATION = 20, 7, 6


def prepare(folder, name="mnist", shape=(28, 28, 1), dtype=np.uint8, splits=None, brightest=255):
    """Writes white images with one corner of another value: 0 to 19 in train, 100 to 106 in test."""
    import tensorflow_datasets as tfds

    def example(value):
        image = np.full(shape, brightest, dtype)
        image[0, 0, 0] = value
        return value, {"image": image, "label": value % 10}

    splits = splits or {"train": range(TRAIN), "test": range(100, 100 + TEST)}

    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version="3.0.1",
        features=tfds.features.FeaturesDict(
            {"image": tfds.features.Image(shape=shape, dtype=dtype), "label": tfds.features.ClassLabel(num_classes=10)}
        ),
        split_datasets={split: [example(value) for value in values] for split, values in splits.items()},
        data_dir=folder,
        disable_shuffling=True,
    )
    return str(folder)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("tfds"))


@pytest.fixture
def small_mnist(monkeypatch):
    expected = tfds_images.ImageSet((28, 28, 1), train=TRAIN, test=TEST, validation=VALIDATION)
    monkeypatch.setitem(tfds_images.IMAGE_SETS, "mnist", expected)


def values_of(split):
    return [int(image[0, 0, 0]) for image in split.as_numpy_iterator()]


@pytest.mark.usefixtures("small_mnist")
def test_validation_is_the_end_of_train_and_test_is_the_test_set(data_dir):
    splits = load("mnist", data_dir=data_dir)
    assert values_of(splits.train) == list(range(TRAIN - VALIDATION))
    assert values_of(splits.validation) == list(range(TRAIN - VALIDATION, TRAIN))
    assert values_of(splits.test) == list(range(100, 100 + TEST))
    assert (splits.name, splits.event_shape, splits.bins) == ("mnist", (28, 28, 1), 256)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (TRAIN - VALIDATION, VALIDATION, TEST)


@pytest.mark.usefixtures("small_mnist")
def test_order_is_the_same_each_time(data_dir):
    splits = load("mnist", data_dir=data_dir)
    assert values_of(splits.train) == values_of(splits.train) == values_of(load("mnist", data_dir=data_dir).train)


@pytest.mark.usefixtures("small_mnist")
def test_environment_names_the_folder_unless_the_caller_does(data_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", data_dir)
    assert len(load("mnist").test) == TEST
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert len(load("mnist", data_dir=data_dir).test) == TEST
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path))):
        load("mnist")


@pytest.mark.parametrize("name", tfds_images.names())
def test_missing_data_set_says_how_to_get_it(name, tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        load(name, data_dir=str(tmp_path))
    command = f"tfds.load({tfds_images.TFDS_NAMES.get(name, name)!r}, data_dir={str(tmp_path)!r})"
    assert command in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_wrong_number_of_images_is_refused(data_dir):
    # No monkeypatch here: the true MNIST has 60,000.
    with pytest.raises(ValueError, match=r"must return 60000 uint8 images .* mnist's split 'train'.*count=20"):
        load("mnist", data_dir=data_dir)


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [((28, 28, 3), np.uint8, r"shape=\(28, 28, 3\)"), ((28, 28, 1), np.uint16, "dtype=uint16")],
)
def test_wrong_images_are_refused(shape, dtype, message, tmp_path, monkeypatch):
    # Not under a name that TFDS knows: it would read the files by its own code's shape and dtype.
    expected = tfds_images.ImageSet((28, 28, 1), train=TRAIN, test=TEST, validation=VALIDATION)
    monkeypatch.setitem(tfds_images.IMAGE_SETS, "handmade", expected)
    with pytest.raises(ValueError, match=message):
        load("handmade", data_dir=prepare(tmp_path, "handmade", shape, dtype))


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"cifar10, .*svhn_cropped, .*Received: name='digits', data_dir='/nowhere'"):
        tfds_images.load("digits", data_dir="/nowhere")


@pytest.mark.parametrize(
    ("splits", "sizes"),
    [
        ({"train": range(30), "test": range(7)}, (27, 3, 7)),
        ({"train": range(30), "validation": range(5)}, (27, 3, 5)),
        ({"train": range(30), "validation": range(5), "test": range(7)}, (30, 5, 7)),
    ],
)
@pytest.mark.sweep(3)
def test_any_other_image_set_is_read_by_its_name(splits, sizes, tmp_path):
    folder = prepare(tmp_path, "handmade", (9, 8, 3), splits=splits)
    found = load("tfds/handmade", data_dir=folder)
    assert (found.name, found.event_shape, found.bins) == ("handmade", (9, 8, 3), 256)
    assert tuple(len(part) for part in (found.train, found.validation, found.test)) == sizes
    assert values_of(found.train) + values_of(found.validation) == list(range(30)) + list(range(5)) * (sizes[0] == 30)
    assert values_of(load("handmade", data_dir=folder).test) == values_of(found.test) == list(range(sizes[2]))


def test_an_image_set_without_a_test_set_is_refused(tmp_path):
    folder = prepare(tmp_path, "handmade", splits={"train": range(5)})
    with pytest.raises(ValueError, match=r"split 'train', and one of .* Received: splits=train"):
        load("tfds/handmade", data_dir=folder)


def test_images_of_many_sizes_are_refused(tmp_path):
    import tensorflow_datasets as tfds

    tfds.dataset_builders.store_as_tfds_dataset(
        name="ragged",
        version="1.0.0",
        features=tfds.features.FeaturesDict({"image": tfds.features.Image(shape=(None, None, 3))}),
        split_datasets={split: [(0, {"image": np.zeros((4, 4, 3), np.uint8)})] for split in ("train", "test")},
        data_dir=tmp_path,
    )
    with pytest.raises(ValueError, match=r"uint8 .* of one size. Received: shape=\(None, None, 3\), dtype=uint8"):
        load("tfds/ragged", data_dir=tmp_path)


def test_a_name_that_tfds_does_not_know_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"or a data set that TFDS knows .* Received: name='mnits'"):
        load("tfds/mnits", data_dir=str(tmp_path))


def test_a_set_that_tfds_knows_but_has_not_prepared_says_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"tfds.load\('kmnist'"):
        load("tfds/kmnist", data_dir=str(tmp_path))


@pytest.mark.usefixtures("small_mnist")
def test_pixels_of_another_range_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"pixels of mnist must span 0 to 255. Received: 0 to 13 in 14 images"):
        load("mnist", data_dir=prepare(tmp_path, brightest=1))


@pytest.mark.parametrize("name", ["cifar10", "svhn_cropped"])
def test_data_sets_that_tfds_mocks_pass_the_checks(name, monkeypatch):
    import tensorflow_datasets as tfds

    count = 12
    expected = tfds_images.ImageSet((32, 32, 3), train=count, test=count, validation=count)
    monkeypatch.setitem(tfds_images.IMAGE_SETS, name, expected)
    monkeypatch.setattr(tfds_images, "_prepared_builder", lambda name, _: tfds.builder(name))
    monkeypatch.setattr(tfds_images, "_images", lambda builder, split, read=tfds_images._images: read(builder, "train"))
    with tfds.testing.mock_data(num_examples=count):
        splits = load(name)
        batch = next(iter(splits.train.batch(count)))
    assert batch.shape == (count, 32, 32, 3)


@pytest.mark.skipif("TFDS_DATA_DIR" not in os.environ, reason="needs prepared data sets: set TFDS_DATA_DIR")
@pytest.mark.parametrize(("name", "mean"), [("mnist", 0.1307), ("fashion_mnist", 0.2860)])
def test_prepared_data_have_their_known_pixel_mean(name, mean):
    if not tfds_images.is_prepared(name):
        pytest.skip(f"{name} is not in TFDS_DATA_DIR")
    splits = load(name)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (55_000, 5_000, 10_000)
    found = np.mean([batch.numpy().mean() for batch in splits.test.batch(1000)]) / 255
    assert found == pytest.approx(mean, abs=0.003)  # of train; that of test differs by about 0.002
