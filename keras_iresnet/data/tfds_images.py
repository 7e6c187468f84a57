"""Image data sets of TensorFlow Datasets, read from a data directory and checked."""

import dataclasses
import os
from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet.data.pipeline import Splits
from keras_iresnet.data.tfds_files import check_whole, damaged, descriptions, fault_of

BINS = 256
_LOOKED_AT = 512  # images whose pixels are looked at before training


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """What TFDS must return for a name: the images' shape and the numbers of images before we split."""

    event_shape: tuple[int, int, int]
    train: int
    test: int
    validation: int = 5_000  # held out from the end of `train`
    test_split: str = "test"


IMAGE_SETS = {
    "cifar10": ImageSet((32, 32, 3), train=50_000, test=10_000),
    "cifar100": ImageSet((32, 32, 3), train=50_000, test=10_000),
    "fashion_mnist": ImageSet((28, 28, 1), train=60_000, test=10_000),
    "imagenet32": ImageSet((32, 32, 3), train=1_281_149, test=49_999, test_split="validation"),
    "mnist": ImageSet((28, 28, 1), train=60_000, test=10_000),
    "svhn_cropped": ImageSet((32, 32, 3), train=73_257, test=26_032),
}
TFDS_NAMES = {"imagenet32": "downsampled_imagenet/32x32"}  # where TFDS has another


def names() -> list[str]:
    """Names of the image data sets whose sizes are known here, sorted; `load` takes others too.

    Example:
    >>> from keras_iresnet.data import tfds_images
    >>> tfds_images.names()
    ['cifar10', 'cifar100', 'fashion_mnist', 'imagenet32', 'mnist', 'svhn_cropped']
    """
    return sorted(IMAGE_SETS)


def load(name: str, data_dir: str | os.PathLike | None = None, labels: bool = False) -> Splits:
    """An image data set as `Splits` of uint8 `(height, width, channels)` images with 256 bins.

    Of a set in `names()`, the last 5,000 of TFDS's training images, in its fixed order, are held out for validation.
    Of any other, TFDS's own validation split is taken where there is a test split beside it; else a tenth of the
    training images, at most 5,000, is held out, and the validation split serves as the test set if there is no other.

    Args:
        name: one of `names()`, or any data set of TFDS with a feature `image` of one size in uint8.
        data_dir: where TFDS prepared it; by default the environment's `TFDS_DATA_DIR`, else TFDS's own default.
        labels: whether each image comes with its class, in a pair: TFDS's feature `label`.

    Raises:
        ValueError: TFDS knows no data set of that name, or what it returned is not what it should be, or it has no
            classes and labels are wanted.
        FileNotFoundError: the data set is not in the data directory; the message says how to get it.
        OSError: a file of it is gone, cut short or damaged; all are looked through before anything else is done.

    Example:
    >>> from keras_iresnet.data import tfds_images
    >>> tfds_images.load("mnist", data_dir="/no/such/folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: `data_dir` must hold the TFDS data set mnist...
    """
    builder = _prepared_builder(name, data_dir)
    known = IMAGE_SETS.get(name)
    expected, validation, test = (known, None, known.test_split) if known else _described(builder)
    for split, count in {"train": expected.train, test: expected.test}.items():
        _check(name, split, _images(builder, split), expected.event_shape, count)
    held_out = expected.validation
    wanted = ("train", validation, test) if validation else (f"train[:-{held_out}]", f"train[-{held_out}:]", test)
    parts = [_images(builder, split) for split in wanted]
    try:
        _check_pixels(name, parts[0])
    except tf.errors.OpError as error:  # whole files of which something else was written
        reason = f"an image that cannot be read: {error.message.splitlines()[-1]}"
        raise damaged(name, builder.data_path, _command(name, data_dir), reason) from error
    classes = None
    if labels:
        classes, parts = _classes(builder), [_labelled_images(builder, split) for split in wanted]
    train, validation_part, test_part = parts
    return Splits(name, expected.event_shape, BINS, train, validation_part, test_part, classes)


def is_prepared(name: str, data_dir: str | os.PathLike | None = None) -> bool:
    """Whether the data directory holds a TFDS data set of that name.

    Raises:
        OSError: it does, and what TFDS wrote of it cannot be read.

    Example:
    >>> from keras_iresnet.data import tfds_images
    >>> tfds_images.is_prepared("mnist", data_dir="/no/such/folder")
    False
    """
    try:
        return _builder(name, data_dir).is_prepared()
    except ValueError:
        return False


def folder(data_dir: str | os.PathLike | None = None) -> str | None:
    """The data directory that is meant; `None` is TFDS's own default."""
    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR")
    return None if data_dir is None else str(data_dir)


def _builder(name, data_dir):
    """TFDS's builder; what TFDS does not know is a `ValueError`, what it cannot read an `OSError`."""
    import tensorflow_datasets as tfds  # here, because only these data sets need it

    try:
        return tfds.builder(TFDS_NAMES.get(name, name), data_dir=folder(data_dir))
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # as many kinds as there are readers of JSON; a set without its features is "not found"
        held = os.path.join(_root(data_dir), TFDS_NAMES.get(name, name))
        if isinstance(error, ValueError) and not descriptions(held):
            raise
        raise damaged(name, held, _command(name, data_dir), fault_of(held, error)) from error


def _root(data_dir):
    """The data directory, that of TFDS where none is meant."""
    return os.path.expanduser(folder(data_dir) or os.path.join("~", "tensorflow_datasets"))


def _command(name, data_dir):
    """What a user runs to prepare a data set."""
    words = f"{TFDS_NAMES.get(name, name)!r}, data_dir={_root(data_dir)!r}"
    return f'python -c "import tensorflow_datasets as tfds; tfds.load({words})"'


def _prepared_builder(name, data_dir):
    try:
        builder = _builder(name, data_dir)
    except ValueError as error:  # TFDS's message lists hundreds of names
        raise ValueError(
            f"`name` must be one of {', '.join(names())}, or a data set that TFDS knows or has prepared in `data_dir`. "
            f"Received: name={name!r}, data_dir={folder(data_dir)!r}"
        ) from error
    if not builder.is_prepared():
        raise FileNotFoundError(
            f"`data_dir` must hold the TFDS data set {name}. To download and prepare it, run once where there is a "
            f"network: {_command(name, data_dir)}. Received: data_dir={_root(data_dir)!r}"
        )
    known = IMAGE_SETS.get(name)
    check_whole(builder, _command(name, data_dir), ("train", known.test_split) if known else ())
    return builder


def _described(builder):
    """What TFDS says of a data set that is not in `names()`, and its splits for validation and test."""
    features = builder.info.features
    feature = features["image"] if "image" in getattr(features, "keys", tuple)() else None
    shape: Any
    shape, dtype = ((), None) if feature is None else (feature.shape, np.dtype(feature.np_dtype).name)
    if len(shape) != 3 or None in shape or dtype != "uint8":
        raise ValueError(
            f"The TFDS data set {builder.name} must have a feature 'image', uint8 (height, width, channels) of one "
            f"size. Received: shape={shape}, dtype={dtype}"
        )
    counts = {split: info.num_examples for split, info in builder.info.splits.items()}
    test = "test" if "test" in counts else "validation"
    if not {"train", test} <= set(counts):
        raise ValueError(
            f"The TFDS data set {builder.name} must have a split 'train', and one of 'test' and 'validation'. "
            f"Received: splits={', '.join(counts)}"
        )
    validation = "validation" if test == "test" and "validation" in counts else None
    held_out = max(1, min(ImageSet.validation, counts["train"] // 10))
    return ImageSet(shape, counts["train"], counts[test], held_out), validation, test


def _classes(builder) -> int:
    """How many classes the feature `label` has."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    feature = features["label"] if "label" in getattr(features, "keys", tuple)() else None
    if not isinstance(feature, tfds.features.ClassLabel) or not feature.num_classes:
        raise ValueError(
            f"The TFDS data set {builder.name} must have a feature 'label' with a known number of classes. "
            f"Received: label={feature}"
        )
    return feature.num_classes


def _images(builder, split: str) -> tf.data.Dataset:
    return _examples(builder, split, lambda example: example["image"])


def _labelled_images(builder, split: str) -> tf.data.Dataset:
    return _examples(builder, split, lambda example: (example["image"], example["label"]))


def _examples(builder, split: str, parts) -> tf.data.Dataset:
    import tensorflow_datasets as tfds

    # `batches` caches what it reads; TFDS would cache the same images a second time.
    read_config = tfds.ReadConfig(try_autocache=False)
    examples = builder.as_dataset(split=split, shuffle_files=False, read_config=read_config)
    return examples.map(parts, num_parallel_calls=tf.data.AUTOTUNE)


def _check(name: str, split: str, part: tf.data.Dataset, event_shape: tuple[int, ...], count: int) -> None:
    spec = part.element_spec
    received = (int(part.cardinality()), tuple(spec.shape), spec.dtype.name)
    if received != (count, tuple(event_shape), "uint8"):
        raise ValueError(
            f"TFDS must return {count} uint8 images of shape {tuple(event_shape)} in {name}'s split {split!r}. "
            f"Received: count={received[0]}, shape={received[1]}, dtype={received[2]}"
        )


def _check_pixels(name, part):
    """Refuse images that were scaled to another range: bits/dim of 256 bins would be those of other data.

    The first images tell: to read all of them takes as long as an epoch's reading.
    """
    pixels = next(iter(part.batch(_LOOKED_AT))).numpy()
    low, high = int(pixels.min()), int(pixels.max())
    if high < BINS // 2 or high == low:
        raise ValueError(
            f"The pixels of {name} must span 0 to {BINS - 1}. Received: {low} to {high} in {len(pixels)} images"
        )
