"""Data sets as `tf.data` pipelines, of examples alone or with labels: embedded digits, 2-D toys, TFDS images.

`load` gives a data set's three splits, `batches` makes one of them ready for `fit` or `evaluate`, and `Stream` gives
training batches without end, from any point on.
Nothing here knows a model.
"""

import os

from keras_iresnet.data import digits, tfds_images, toys
from keras_iresnet.data.augmentation import AUGMENTATIONS, augment
from keras_iresnet.data.pipeline import Splits, batches
from keras_iresnet.data.stream import Stream

__all__ = ["AUGMENTATIONS", "Splits", "Stream", "augment", "batches", "digits", "load", "names", "tfds_images", "toys"]

_TOY = "toy/"
_TFDS = "tfds/"


def names() -> list[str]:
    """Names that `load` understands, sorted.

    Example:
    >>> from keras_iresnet import data
    >>> [name for name in data.names() if name.startswith("toy/")][:3]
    ['toy/2spirals', 'toy/8gaussians', 'toy/checkerboard']
    """
    return sorted(["digits", *(_TOY + toy for toy in toys.names()), *tfds_images.names()])


def load(name: str, *, data_dir: str | os.PathLike | None = None, seed: int = 0, labels: bool = False) -> Splits:
    """The splits of the data set called `name`.

    Args:
        name: one of `names()`, or `"tfds/NAME"` for any other image data set of TFDS; `NAME` alone will do where it
            has been prepared.
        data_dir: TFDS data directory, read for TFDS images alone; by default the environment's
            `TFDS_DATA_DIR`, else TFDS's own default.
        seed: seed of the toys' training points; every other split is the same for every seed.
        labels: whether each image comes with its class, as for classification.

    Returns:
        The `Splits`, each an unbatched data set of examples, or of pairs `(image, label)`.

    Raises:
        ValueError: no data set has that name; the message lists those there are. Or it holds no images of one size, or
            no classes where labels are wanted.
        FileNotFoundError: the TFDS data set is not in the data directory; the message says how to get it.

    Example:
    >>> from keras_iresnet import data
    >>> splits = data.load("digits")
    >>> splits.event_shape, splits.bins, len(splits.train), len(splits.test)
    ((8, 8, 1), 17, 1293, 360)
    """
    if name == "digits":
        return digits.load(labels)
    if name in names() and name.startswith(_TOY):
        if labels:
            raise ValueError(f"`name` must be a data set of labelled images. Received: name={name!r}")
        return toys.load(name.removeprefix(_TOY), seed)
    if name in tfds_images.names() or name.startswith(_TFDS):
        return tfds_images.load(name.removeprefix(_TFDS), data_dir, labels)
    if tfds_images.is_prepared(name, data_dir):
        return tfds_images.load(name, data_dir, labels)
    raise ValueError(
        f"`name` must be one of {', '.join(names())}, or that of a data set that TFDS has prepared in `data_dir`. "
        f"Received: name={name!r}, data_dir={tfds_images.folder(data_dir)!r}"
    )
