"""Sources of batches whose labels are `None`, which Keras takes from generators but not from a `PyDataset`."""

from typing import Any

import keras


def without_missing_labels(x: Any) -> Any:
    """x, or a `PyDataset` of the same batches without the `None`s where labels would be."""
    if isinstance(x, keras.utils.PyDataset) and not isinstance(x, _Examples):
        first = x[0]
        if isinstance(first, tuple) and len(first) == 2 and first[1] is None:
            return _Examples(x)
    return x


class _Examples(keras.utils.PyDataset):
    """The examples of a source of pairs."""

    def __init__(self, pairs):
        super().__init__(pairs.workers, pairs.use_multiprocessing, pairs.max_queue_size)
        self.pairs = pairs

    @property
    def num_batches(self):
        return self.pairs.num_batches

    def __getitem__(self, index):
        return (self.pairs[index][0],)

    def on_epoch_begin(self):
        self.pairs.on_epoch_begin()

    def on_epoch_end(self):
        self.pairs.on_epoch_end()
