"""Names of classes, and their numbers."""

from collections.abc import Sequence

import numpy as np


def numbered(found: np.ndarray, known: Sequence[str] = ()) -> tuple[np.ndarray, tuple[str, ...]]:
    """Classes by name or number -> int64 labels from 0, and the names in their order.

    Args:
        found: (n,) names or numbers of classes.
        known: the names, where they are known; sorted as they are found by default.

    Raises:
        ValueError: a class is not known.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.data.own.class_labels import numbered
    >>> numbered(np.array([3, 1, 3]))
    (array([1, 0, 1]), ('1', '3'))
    """
    values, labels = np.unique(found, return_inverse=True)
    names = tuple(map(str, values))
    if not known:
        return labels.reshape(-1).astype(np.int64), names
    if strange := sorted(set(names) - set(known)):
        raise ValueError(f"Classes must be among {', '.join(known)}. Received: {', '.join(strange[:5])}")
    return np.array([list(known).index(name) for name in names], np.int64)[labels.reshape(-1)], tuple(known)
