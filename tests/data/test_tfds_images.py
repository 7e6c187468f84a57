"""TFDS is not mocked: it writes small data sets to a temporary folder, and we read them as a user's."""

import re

import numpy as np
import pytest

from keras_iresnet.data import load, tfds_images

TRAIN, TEST, VALIDATION = 20, 7, 6


def prepare(folder, name="mnist", shape=(28, 28, 1), dtype=np.uint8):
    """Writes a data set whose training images are filled with 0 to 19 and whose test images with 100 to 106."""
    import tensorflow_datasets as tfds

    def examples(values):
        return [(value, {"image": np.full(shape, value, dtype), "label": value % 10}) for value in values]

    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version="3.0.1",
        features=tfds.features.FeaturesDict(
            {"image": tfds.features.Image(shape=shape, dtype=dtype), "label": tfds.features.ClassLabel(num_classes=10)}
        ),
        split_datasets={"train": examples(range(TRAIN)), "test": examples(range(100, 100 + TEST))},
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
    monkeypatch.setitem(tfds_images._IMAGE_SETS, "mnist", expected)


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
    command = f"tfds.load({name!r}, data_dir={str(tmp_path)!r})"
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
    monkeypatch.setitem(tfds_images._IMAGE_SETS, "handmade", expected)
    with pytest.raises(ValueError, match=message):
        load("handmade", data_dir=prepare(tmp_path, "handmade", shape, dtype))


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"cifar10, .*svhn_cropped. Received: name='digits'"):
        tfds_images.load("digits")
