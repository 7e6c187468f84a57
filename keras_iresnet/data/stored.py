"""Examples that stay in their files until they are needed: too many to hold in memory."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Stored:
    """Examples on the disk, of which memory holds the names of the files.

    Args:
        keys: data set of the names, or of pairs of them and labels, of known size.
        read: (n,) names -> (n, *event_shape) examples.
    """

    keys: tf.data.Dataset
    read: Callable[[tf.Tensor], tf.Tensor]

    def read_batch(self, batch: tf.Tensor | tuple[tf.Tensor, ...]) -> tf.Tensor | tuple[tf.Tensor, ...]:
        """A batch of keys, with labels if there are any -> a batch of examples with them."""
        return (self.read(batch[0]), *batch[1:]) if isinstance(batch, tuple) else self.read(batch)

    def dataset(self) -> tf.data.Dataset:
        """The examples themselves, unbatched, read as they are asked for, in order."""

        def read_one(*key):
            examples = self.read(key[0][None])[0]
            return (examples, *key[1:]) if len(key) > 1 else examples

        return self.keys.map(read_one, num_parallel_calls=tf.data.AUTOTUNE)
