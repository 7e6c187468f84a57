"""A folder of pictures: one folder a class gives labels, a flat one none."""

import concurrent.futures
import dataclasses
import hashlib
import io
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from keras_iresnet.data.description import Description
from keras_iresnet.data.own.class_labels import numbered
from keras_iresnet.data.own.examples import Examples
from keras_iresnet.data.own.picture_form import is_grey, read_picture, shown_size
from keras_iresnet.data.own.reading import Reading

ENDINGS = (".jpeg", ".jpg", ".png", ".webp")
BINS = 256


@dataclasses.dataclass(frozen=True)
class _Seen:
    """What a look into a file found: what is wrong with it, or size and kind; and a digest of its content."""

    name: str
    digest: bytes
    fault: str | None = None
    size: tuple[int, int] = (0, 0)
    grey: bool = False


def read_pictures(folder: pathlib.Path, reading: Reading, *, labels: bool, like: Examples | None = None) -> Examples:
    """The pictures of a folder; every file is read once here, and memory holds none of them.

    Args:
        folder: with PNG, JPEG and WebP files, or with a folder of them for each class.
        reading: how to read them.
        labels: whether their classes are wanted.
        like: examples whose form and classes these must have.

    Raises:
        ValueError: there are no pictures, or they are of several sizes and none is asked for, or there are no classes
            where they are wanted.
        OSError: a file cannot be read, unless such are skipped.
    """
    reading.for_files("Pictures", "image_size", "fit", "color", "skip_unreadable")
    names = _names(folder)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        seen = list(pool.map(lambda name: _look(folder, name), names, chunksize=64))
    good = _good(folder, seen, reading.skip_unreadable)
    shape = like.event_shape if like else (*_size(good, reading), _channels(good, reading.color))
    beside, classes = _labels(folder, good, like) if labels else (None, ())
    digest = hashlib.sha256(b"".join(one.name.encode() + b"\0" + one.digest for one in seen)).hexdigest()
    skipped = tuple(one.name for one in seen if one.fault)
    files = np.array([str(folder / one.name) for one in good])
    description = Description(class_names=classes, digest=digest, skipped=skipped)
    read = _reader(shape, reading.fit)
    return Examples(shape, BINS, files, beside, np.array([one.name for one in good]), description, read)


def _names(folder):
    """Pictures below the folder, relative to it, sorted; hidden files and folders are none."""
    found = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.suffix.lower() in ENDINGS)
    found = [name for name in found if not any(part.startswith(".") for part in name.split("/"))]
    if not found:
        raise ValueError(f"A folder of data must hold pictures that end in {', '.join(ENDINGS)}. Received: {folder}")
    flat = sum("/" not in name for name in found)
    if 0 < flat < len(found):
        raise ValueError(
            "Pictures must lie all in one folder, or all in a folder for each class. "
            f"Received: {flat} in {folder} and {len(found) - flat} in folders below it"
        )
    return found


def _look(folder, name):
    """Read one file whole: a header may promise what is not there."""
    from PIL import Image

    content = b""
    try:
        content = (folder / name).read_bytes()
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            if image.mode == "F":
                raise ValueError("pixels are floats")
            return _Seen(name, hashlib.sha256(content).digest(), None, shown_size(image), is_grey(image))
    except Exception as error:  # each of Pillow's many readers has words of its own
        return _Seen(name, hashlib.sha256(content).digest(), str(error) or type(error).__name__)


def _good(folder, seen, skip):
    good = [one for one in seen if one.fault is None]
    faulty = [one for one in seen if one.fault is not None]
    if not good or (faulty and not skip):
        more = f", and {len(faulty) - 1} more" if len(faulty) > 1 else ""
        raise OSError(
            f"Pictures must be files that can be read; `skip_unreadable` leaves out those that cannot. "
            f"Received: {folder / faulty[0].name} ({faulty[0].fault}){more}"
        )
    return good


def _size(good: Sequence[_Seen], reading: Reading) -> tuple[int, ...]:
    sizes = {one.size: one.name for one in reversed(good)}
    if reading.image_size is None and len(sizes) > 1:
        # Height by width, as `image_size` is given.
        (a, first), (b, second) = sorted(sizes.items())[:: len(sizes) - 1][:2]
        raise ValueError(
            "Pictures must be of one size, or `image_size` say to which they are brought. "
            f"Received: {len(sizes)} sizes, from {a[0]}x{a[1]} ({first}) to {b[0]}x{b[1]} ({second})"
        )
    return reading.image_size or next(iter(sizes))


def _channels(good, color):
    grey = all(one.grey for one in good) if color == "auto" else color == "grey"
    return 1 if grey else 3


def _labels(folder, good, like):
    if "/" not in good[0].name:
        raise ValueError(f"The pictures of each class must lie in a folder of its own. Received: none in {folder}")
    return numbered(np.array([one.name.split("/")[0] for one in good]), like.description.class_names if like else ())


def _reader(shape: tuple[int, ...], fit: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """(n,) names of files -> (n, *shape) uint8, in a graph of tf.data."""

    def read(files):
        return np.stack([read_picture(file.decode(), shape[:2], shape[2], fit) for file in files])

    def read_tensor(files):
        pictures = tf.numpy_function(read, [files], tf.uint8, stateful=False)
        return tf.ensure_shape(pictures, (files.shape[0], *shape))

    return read_tensor
