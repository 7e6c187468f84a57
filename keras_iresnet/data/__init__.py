"""Data sets as `tf.data` pipelines: embedded digits, 2-D toys, tables, TFDS images, and files of a user's own.

`load` gives a data set's three splits, `batches` makes one of them ready for `fit` or `evaluate`, and `Stream` gives
training batches without end, from any point on.
Nothing here knows a model.
"""

import os
from typing import Any

from keras_iresnet.data import benchmark_tables, digits, own, tfds_images, toys
from keras_iresnet.data.augmentation import AUGMENTATIONS, augment
from keras_iresnet.data.description import Description
from keras_iresnet.data.own import COLORS, FITS, Examples, Reading, as_path, read_examples, standardized
from keras_iresnet.data.pipeline import Splits, batches
from keras_iresnet.data.stored import Stored
from keras_iresnet.data.stream import Stream

__all__ = [
    "AUGMENTATIONS",
    "COLORS",
    "FITS",
    "Description",
    "Examples",
    "Reading",
    "Splits",
    "Stored",
    "Stream",
    "augment",
    "batches",
    "benchmark_tables",
    "digits",
    "load",
    "names",
    "path_of",
    "read_examples",
    "standardized",
    "tfds_images",
    "toys",
]

_TOY = "toy/"
_TFDS = "tfds/"
_MAF = "maf/"


def names() -> list[str]:
    """Names that `load` understands, sorted.

    Example:
    >>> from keras_iresnet import data
    >>> [name for name in data.names() if name.startswith("toy/")][:3]
    ['toy/2spirals', 'toy/8gaussians', 'toy/checkerboard']
    """
    prefixed = [*(_TOY + toy for toy in toys.names()), *(_MAF + table for table in benchmark_tables.names())]
    return sorted(["digits", *prefixed, *tfds_images.names()])


def path_of(name: str | os.PathLike) -> str | None:
    """The absolute path that a data set's name is meant as, or `None` where it is the name of one of ours or of TFDS.

    Example:
    >>> from keras_iresnet import data
    >>> data.path_of("digits") is None, data.path_of("./digits.npz").endswith("digits.npz")
    (True, True)
    """
    named = isinstance(name, str) and (name in names() or name.startswith((_TOY, _TFDS)))
    return None if named else as_path(name)


def load(
    name: str | os.PathLike,
    *,
    data_dir: str | os.PathLike | None = None,
    seed: int = 0,
    labels: bool = False,
    **reading: Any,
) -> Splits:
    """The splits of the data set called `name`, or of files of one's own.

    Args:
        name: one of `names()`; or the path of a folder of pictures, or of a `.npy`, `.npz`, `.csv` or `.parquet` file;
            or `"tfds/NAME"` for any other image data set of TFDS; `NAME` alone will do where it has been prepared.
        data_dir: TFDS data directory, by default the environment's `TFDS_DATA_DIR`, else TFDS's own default; for the
            tables of MAF's paper, `"maf/power"` and four more, the folder in which they were published.
        seed: seed of the toys' training points; every other split is the same for every seed.
        labels: whether each example comes with its class, or with what it is conditioned on.
        **reading: how to read files of one's own, and what to hold out of them: the arguments of `Reading`.

    Returns:
        The `Splits`, each an unbatched data set of examples, or of pairs `(image, label)`.

    Raises:
        ValueError: no data set has that name; the message lists those there are. Or it holds no images of one size, or
            no classes where labels are wanted, or else cannot be used as it is.
        FileNotFoundError: there is no such file, or the TFDS data set is not in the data directory; the message says
            how to get it.
        OSError: a file of the TFDS data set is gone, cut short or damaged.

    Example:
    >>> from keras_iresnet import data
    >>> splits = data.load("digits")
    >>> splits.event_shape, splits.bins, len(splits.train), len(splits.test)
    ((8, 8, 1), 17, 1293, 360)
    """
    if path := path_of(name):
        return own.load(path, Reading(**reading), labels=labels)
    name = os.fspath(name)
    if reading:
        raise ValueError(
            f"`{next(iter(reading))}` must go with a path: it is how to read one's own files. Received: {name}"
        )
    if name == "digits":
        return digits.load(labels)
    if name in names() and name.startswith(_TOY):
        if labels:
            raise ValueError(f"`name` must be a data set of labelled images. Received: name={name!r}")
        return toys.load(name.removeprefix(_TOY), seed)
    if name in names() and name.startswith(_MAF):
        if labels:
            raise ValueError(f"`name` must be a data set of labelled examples. Received: name={name!r}")
        return benchmark_tables.load(name.removeprefix(_MAF), data_dir)
    if name in tfds_images.names() or name.startswith(_TFDS):
        return tfds_images.load(name.removeprefix(_TFDS), data_dir, labels)
    if tfds_images.is_prepared(name, data_dir):
        return tfds_images.load(name, data_dir, labels)
    raise ValueError(
        f"`name` must be one of {', '.join(names())}, or that of a data set that TFDS has prepared in `data_dir`. "
        f"Received: name={name!r}, data_dir={tfds_images.folder(data_dir)!r}"
    )
