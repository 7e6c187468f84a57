"""Arrays of NumPy: images as integers, points as floats."""

import hashlib
import pathlib

import numpy as np

from keras_iresnet.data.description import Description
from keras_iresnet.data.own.class_labels import numbered
from keras_iresnet.data.own.examples import Examples
from keras_iresnet.data.own.reading import Reading

ARRAYS = (".npy", ".npz")


def read_arrays(file: pathlib.Path, reading: Reading, *, labels: bool, like: Examples | None = None) -> Examples:
    """The examples of a `.npy` file, or of `x`, with `y` if wanted, of a `.npz` file.

    Args:
        file: `x` is integers (n, height, width) or (n, height, width, channels), or floats (n, features); `y` is
            classes (n,), as integers or text, or conditions (n, k) in floats.
        reading: how to read it.
        labels: whether `y` is wanted.
        like: examples whose form and classes these must have.

    Raises:
        ValueError: the arrays are not as said.
        OSError: the file cannot be read.
    """
    reading.for_files("Arrays", "bins")
    x, y = _arrays(file)
    x, bins = (_images(x, reading.bins, file), reading.bins) if x.dtype.kind in "ui" else (_points(x, file), None)
    expected = None if like is None else (like.event_shape, like.bins)
    if expected not in (None, (x.shape[1:], bins)):
        raise ValueError(f"Examples must be of shape and bins {expected}. Received: {(x.shape[1:], bins)} in {file}")
    beside, classes = _beside(y, len(x), like, file) if labels else (None, ())
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    description = Description(class_names=classes, digest=digest)
    return Examples(x.shape[1:], bins, x, beside, np.arange(1, len(x) + 1), description)


def _arrays(file):
    """x, and y or `None`."""
    try:
        found = np.load(file, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found, None
        with found:
            arrays = {name: found[name] for name in found.files}
    except Exception as error:  # whatever damaged bytes make of headers: archives, sizes, names, more than memory holds
        if isinstance(error, OSError) and error.filename is not None:  # it cannot be opened
            raise
        raise ValueError(f"{file} must hold arrays of numbers or text. Received: {error}") from error
    x = next(iter(arrays.values())) if len(arrays) == 1 else arrays.get("x")
    if x is None:
        raise ValueError(f"{file} must hold an array `x`, and `y` if there are labels. Received: {', '.join(arrays)}")
    return x, arrays.get("y")


def _images(x, bins, file):
    """(n, height, width) or (n, height, width, channels) integers -> four axes, uint8 for up to 256 bins."""
    x = x[..., None] if x.ndim == 3 else x
    if x.ndim != 4 or not x.size:
        raise ValueError(
            "An array of integers must be images (n, height, width) or (n, height, width, channels); points must be "
            f"floats (n, features). Received: {x.dtype.name} of shape {x.shape} in {file}"
        )
    low, high = int(x.min()), int(x.max())
    if low < 0 or high >= bins:
        raise ValueError(f"Pixels must lie in 0 to bins - 1 = {bins - 1}. Received: {low} to {high} in {file}")
    return x.astype(np.uint8 if bins <= 256 else np.int32)


def _points(x, file):
    if x.dtype.kind != "f" or x.ndim != 2 or not x.size:
        raise ValueError(
            "An array of floats must be points (n, features); images must be integers, such as "
            f"(255 * x).round().astype('uint8'). Received: {x.dtype.name} of shape {x.shape} in {file}"
        )
    with np.errstate(over="ignore"):
        points = x.astype(np.float32)
    bad = np.argwhere(~np.isfinite(points))
    if len(bad):
        raise ValueError(
            f"Points must be finite in float32. Received: {x[tuple(bad[0])]} at {tuple(map(int, bad[0]))} of {file}"
        )
    return points


def _beside(y, n, like, file):
    """Labels or conditions, and names of classes."""
    if y is None or len(y) != n:
        raise ValueError(f"{file} must hold `y` of {n} labels. Received: {'none' if y is None else y.shape}")
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise ValueError(f"`y` must be finite. Received: NaN or infinity in {file}")
        return y.reshape(n, -1).astype(np.float32), ()
    if y.size != n:
        raise ValueError(f"Labels must be the number or name of a class, (n,). Received: shape={y.shape} in {file}")
    return numbered(y.reshape(n), like.description.class_names if like else ())
