"""The 1,797 handwritten digits of 8x8 pixels that scikit-learn carries: real images without a download."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

from keras_iresnet.data.pipeline import Splits

EVENT_SHAPE = (8, 8, 1)
CLASSES = 10
BINS = 17  # a pixel counts the set pixels of a 4x4 cell: 0 to 16


def load_arrays() -> tuple[np.ndarray, np.ndarray]:
    """All digits, in scikit-learn's order.

    Returns:
        Images, uint8 `(1797, 8, 8, 1)` with values 0 to 16, and labels, int64 `(1797,)`.

    Reference:
        E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.

    Example:
    >>> from keras_iresnet.data import digits
    >>> images, labels = digits.load_arrays()
    >>> images.shape, images.dtype.name, int(images.max()), int(labels[7])
    ((1797, 8, 8, 1), 'uint8', 16, 7)
    """
    bunch = load_digits()
    return bunch.images.astype(np.uint8)[..., None], bunch.target.astype(np.int64)


def split_indices(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The fixed split: every fifth digit is for testing, every tenth of the others for validation, class by class.

    Args:
        labels: integer `(n,)`, as `load_arrays` gives them.

    Returns:
        Indices of the train, validation and test examples, each in an order that mixes the classes; 1,293, 144
        and 360 of them for the digits.

    Example:
    >>> from keras_iresnet.data import digits
    >>> _, labels = digits.load_arrays()
    >>> [len(part) for part in digits.split_indices(labels)]
    [1293, 144, 360]
    """
    # RandomState, because NumPy promises never to change its stream: a released model's test set must not move
    # with a version of NumPy or scikit-learn.
    order = np.random.RandomState(0).permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    test, rest = by_class[::5], np.delete(by_class, np.s_[::5])
    validation, train = rest[::10], np.delete(rest, np.s_[::10])
    train, validation, test = (order[np.isin(order, part)] for part in (train, validation, test))
    return train, validation, test


def load(labels: bool = False) -> Splits:
    """The digits as `Splits` of uint8 `(8, 8, 1)` images with 17 bins.

    Args:
        labels: whether each comes with its class, int64, in a pair.

    Example:
    >>> from keras_iresnet.data import digits
    >>> next(iter(digits.load().test)).shape
    TensorShape([8, 8, 1])
    >>> digits.load(labels=True).classes
    10
    """
    images, classes = load_arrays()
    parts = []
    for part in split_indices(classes):
        examples = (images[part], classes[part]) if labels else images[part]
        parts.append(tf.data.Dataset.from_tensor_slices(examples))
    train, validation, test = parts
    return Splits("digits", EVENT_SHAPE, BINS, train, validation, test, CLASSES if labels else None)
