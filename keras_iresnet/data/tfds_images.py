"""Image data sets of TensorFlow Datasets, read from a data directory and checked."""

import dataclasses
import os

import tensorflow as tf

from keras_iresnet.data.pipeline import Splits


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """What TFDS must return for a name: the images' shape and the numbers of images before we split."""

    event_shape: tuple[int, int, int]
    train: int
    test: int
    validation: int = 5_000  # held out from the end of `train`


_IMAGE_SETS = {
    "cifar10": ImageSet((32, 32, 3), train=50_000, test=10_000),
    "cifar100": ImageSet((32, 32, 3), train=50_000, test=10_000),
    "fashion_mnist": ImageSet((28, 28, 1), train=60_000, test=10_000),
    "mnist": ImageSet((28, 28, 1), train=60_000, test=10_000),
    "svhn_cropped": ImageSet((32, 32, 3), train=73_257, test=26_032),
}


def names() -> list[str]:
    """Names of the image data sets, sorted.

    Example:
    >>> from keras_iresnet.data import tfds_images
    >>> tfds_images.names()
    ['cifar10', 'cifar100', 'fashion_mnist', 'mnist', 'svhn_cropped']
    """
    return sorted(_IMAGE_SETS)


def load(name: str, data_dir: str | os.PathLike | None = None) -> Splits:
    """An image data set as `Splits` of uint8 `(height, width, channels)` images with 256 bins.

    The last 5,000 of TFDS's training images, in its fixed order, are held out for validation.

    Args:
        name: one of `names()`.
        data_dir: where TFDS prepared it; by default the environment's `TFDS_DATA_DIR`, else TFDS's own default.

    Raises:
        ValueError: no image data set has that name, or what TFDS returned is not what it should be.
        FileNotFoundError: the data set is not in the data directory; the message says how to get it.

    Example:
    >>> from keras_iresnet.data import tfds_images
    >>> tfds_images.load("mnist", data_dir="/no/such/folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: `data_dir` must hold the TFDS data set mnist...
    """
    if name not in _IMAGE_SETS:
        raise ValueError(f"`name` must be one of {', '.join(names())}. Received: name={name!r}")
    expected = _IMAGE_SETS[name]
    builder = _prepared_builder(name, data_dir or os.environ.get("TFDS_DATA_DIR"))
    for split, count in {"train": expected.train, "test": expected.test}.items():
        _check(name, split, _images(builder, split), expected.event_shape, count)
    held_out = expected.validation
    parts = [_images(builder, split) for split in (f"train[:-{held_out}]", f"train[-{held_out}:]", "test")]
    return Splits(name, expected.event_shape, 256, *parts)


def _prepared_builder(name: str, data_dir: str | os.PathLike | None):
    import tensorflow_datasets as tfds  # here, because only these data sets need it

    builder = tfds.builder(name, data_dir=data_dir)
    if not builder.is_prepared():
        folder = str(builder.data_dir_root)
        raise FileNotFoundError(
            f"`data_dir` must hold the TFDS data set {name}. To download and prepare it, run once where there is a "
            f'network: python -c "import tensorflow_datasets as tfds; tfds.load({name!r}, data_dir={folder!r})". '
            f"Received: data_dir={folder!r}"
        )
    return builder


def _images(builder, split: str) -> tf.data.Dataset:
    import tensorflow_datasets as tfds

    # `batches` caches what it reads; TFDS would cache the same images a second time.
    read_config = tfds.ReadConfig(try_autocache=False)
    examples = builder.as_dataset(split=split, shuffle_files=False, read_config=read_config)
    return examples.map(lambda example: example["image"], num_parallel_calls=tf.data.AUTOTUNE)


def _check(name: str, split: str, part: tf.data.Dataset, event_shape: tuple[int, ...], count: int) -> None:
    spec = part.element_spec
    received = (int(part.cardinality()), tuple(spec.shape), spec.dtype.name)
    if received != (count, tuple(event_shape), "uint8"):
        raise ValueError(
            f"TFDS must return {count} uint8 images of shape {tuple(event_shape)} in {name}'s split {split!r}. "
            f"Received: count={received[0]}, shape={received[1]}, dtype={received[2]}"
        )
