"""Training batches without end, which can be entered anywhere."""

import functools

import tensorflow as tf

from keras_iresnet.data.augmentation import augment
from keras_iresnet.data.pipeline import check_augmentable, split_size
from keras_iresnet.data.stored import Stored


class Stream:
    """Full batches of a split, epoch after epoch, each in an order of its own.

    The split is held in memory, of a `Stored` the names of its files.

    What comes depends on the seed and the step alone, not on what was read before: a stream entered at a step gives
    what one from the beginning gives from there on, whatever the number of replicas.

    Args:
        split: unbatched data set of known, finite size: examples, or tuples that begin with one; or a `Stored`.
        batch_size: examples in a batch, over all replicas.
        seed: integer that orders and augmentations follow from.
        augmentation: what to do to images at random, see `augment`.

    Attributes:
        steps_per_epoch: batches of a pass over the split, `len(split) // batch_size`.

    Raises:
        ValueError: the split's size is not known or less than a batch, or what is no image is to be augmented.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet import data
    >>> stream = data.Stream(tf.data.Dataset.range(6), 2, seed=0)
    >>> batches = [batch.tolist() for batch in stream.at().take(6).as_numpy_iterator()]
    >>> sorted(batches[0] + batches[1] + batches[2])
    [0, 1, 2, 3, 4, 5]
    >>> next(stream.at(step=5).as_numpy_iterator()).tolist() == batches[5]
    True
    """

    def __init__(
        self, split: tf.data.Dataset | Stored, batch_size: int, *, seed: int, augmentation: str = "none"
    ) -> None:
        self._stored = split if isinstance(split, Stored) else None
        self._split = split.keys if isinstance(split, Stored) else split
        self._size = split_size(self._split)
        if not 1 <= batch_size <= self._size:
            raise ValueError(
                f"`batch_size` must lie in 1 to the number of examples, {self._size}: no batch would be left. "
                f"Received: batch_size={batch_size}"
            )
        check_augmentable(split.dataset() if isinstance(split, Stored) else split, augmentation)
        self.steps_per_epoch = self._size // batch_size
        self._batch_size, self._augmentation = batch_size, augmentation
        self._order_seed, self._change_seed = tf.unstack(tf.random.split((seed, 0), 2))

    def at(self, *, step: int = 0) -> tf.data.Dataset:
        """The batches `(batch_size, *event_shape)` from a step on, from 0, prefetched.

        Raises:
            ValueError: `step` is negative.
        """
        if step < 0:
            raise ValueError(f"`step` must be at least 0. Received: step={step}")
        epoch, passed = divmod(step, self.steps_per_epoch)
        rows = tf.data.Dataset.range(epoch, tf.int64.max).flat_map(self._rows).skip(passed)
        positions = tf.data.Dataset.range(step, tf.int64.max)
        batches = tf.data.Dataset.zip(rows, positions).map(self._batch, num_parallel_calls=tf.data.AUTOTUNE)
        return batches.prefetch(tf.data.AUTOTUNE)

    def _rows(self, epoch):
        """Which examples an epoch's batches hold, one batch after the other."""
        seed = tf.random.fold_in(self._order_seed, epoch)
        order = tf.random.experimental.stateless_shuffle(tf.range(self._size), seed)
        used = order[: self.steps_per_epoch * self._batch_size]
        return tf.data.Dataset.from_tensor_slices(tf.reshape(used, (self.steps_per_epoch, self._batch_size)))

    def _batch(self, rows, position):
        batch = tf.nest.map_structure(lambda part: tf.gather(part, rows), self._examples)
        batch = batch if self._stored is None else self._stored.read_batch(batch)
        seed = tf.random.fold_in(self._change_seed, position)
        if isinstance(batch, tuple):
            return (augment(batch[0], self._augmentation, seed=seed), *batch[1:])
        return augment(batch, self._augmentation, seed=seed)

    @functools.cached_property
    def _examples(self):
        """The whole split, read once."""
        with tf.init_scope():
            return next(iter(self._split.batch(self._size)))
