"""Examples before they are split: what is held of each, and how it is read."""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_iresnet.data.description import Description
from keras_iresnet.data.stored import Stored


@dataclasses.dataclass(frozen=True)
class Examples:
    """All examples of a file or a folder.

    Args:
        event_shape: shape of one example.
        bins: values of a pixel, or `None` for points.
        held: an array (n, ...) of the examples, or of the files that they are in.
        beside: (n,) int64 labels, or (n, k) float32 conditions; `None` where there are none.
        names: what to call each example in a list: its file, or the number of its row from 1.
        description: names and digest.
        read: (n,) files -> (n, *event_shape), where `held` are files.
    """

    event_shape: tuple[int, ...]
    bins: int | None
    held: np.ndarray
    beside: np.ndarray | None
    names: np.ndarray
    description: Description
    read: Callable[[tf.Tensor], tf.Tensor] | None = None

    def __len__(self) -> int:
        return len(self.held)

    @property
    def classes(self) -> int | None:
        """How many classes the labels tell apart."""
        labelled = self.beside is not None and self.beside.ndim == 1
        return len(self.description.class_names) if labelled else None

    def stored(self, rows: np.ndarray | None = None) -> Stored | None:
        """The examples of some rows where they are files, `None` where they are held."""
        return None if self.read is None else Stored(self._slices(rows), self.read)

    def dataset(self, rows: np.ndarray | None = None) -> tf.data.Dataset:
        """The examples of some rows, all by default, with their labels or conditions if there are any."""
        stored = self.stored(rows)
        return self._slices(rows) if stored is None else stored.dataset()

    def _slices(self, rows):
        parts = [self.held] if self.beside is None else [self.held, self.beside]
        parts = parts if rows is None else [part[rows] for part in parts]
        with tf.device("CPU"):
            return tf.data.Dataset.from_tensor_slices(tuple(parts) if len(parts) > 1 else parts[0])
