"""What every data set gives, and the one way from a split to batches."""

import dataclasses
import math

import tensorflow as tf

from keras_iresnet.data.augmentation import augment, check_augmentation
from keras_iresnet.data.description import Description
from keras_iresnet.data.stored import Stored

CACHED_BYTES = 2**30  # of examples that a pass keeps in memory for the next


@dataclasses.dataclass(frozen=True)
class Splits:
    """A data set: three splits of one kind of example, with labels where `classes` says so.

    Args:
        name: what `keras_iresnet.data.load` calls it.
        event_shape: shape of one example: `(height, width, channels)` of a uint8 image, `(features,)` of a
            float32 point.
        bins: number of values a pixel can take, 0 to `bins - 1`; `None` where the data are continuous.
        train: unbatched examples to fit to: tensors, or pairs `(example, label)` where there are classes.
        validation: examples to choose a checkpoint or a setting by, none of them in `train`.
        test: examples that only a final evaluation may touch.
        classes: number of classes, whose labels are 0 to `classes - 1`; `None` where the examples come without, or
            with vectors that they are conditioned on.
        description: names of classes and columns and a digest, of a user's own data.
        stored: `train` as a `Stored`, where it is too large to hold: what a `Stream` then takes in its place.
    """

    name: str
    event_shape: tuple[int, ...]
    bins: int | None
    train: tf.data.Dataset
    validation: tf.data.Dataset
    test: tf.data.Dataset
    classes: int | None = None
    description: Description = dataclasses.field(default_factory=Description)
    stored: Stored | None = None

    @property
    def condition_size(self) -> int | None:
        """How many classes, or numbers, an example is conditioned on; `None` where it comes alone."""
        spec = self.train.element_spec
        return self.classes or (spec[1].shape[0] if isinstance(spec, tuple) else None)


def batches(
    split: tf.data.Dataset,
    batch_size: int,
    *,
    shuffle: bool = False,
    seed: int | None = None,
    drop_remainder: bool = False,
    limit: int | None = None,
    augmentation: str = "none",
) -> tf.data.Dataset:
    """Batches of a split, augmented anew in each pass, and prefetched.

    Up to a GiB of examples is kept in memory from the first pass on; more is read anew in each.

    Args:
        split: unbatched data set of known, finite size, of examples or of pairs `(example, label)`.
        batch_size: examples in a batch, over all replicas.
        shuffle: whether to draw a new order of the whole split for each pass.
        seed: fixes the sequence of orders and augmentations, one for each iterator made; without it they differ
            from run to run. As in all of TensorFlow, a global seed (`keras.utils.set_random_seed`) enters too where
            one is set.
        drop_remainder: whether to leave out the last batch where it is smaller than the others.
        limit: how many examples to use, the first of the split; all by default.
        augmentation: what to do to images at random, for training alone: `"none"`, `"shift"` or `"shift_flip"`, see
            `augment`.

    Returns:
        Data set of `(batch_size, *event_shape)`, or of pairs with the labels `(batch_size,)`, with known cardinality,
        in the split's dtype.

    Raises:
        ValueError: `batch_size` or `limit` is not positive, the split's size is not known, no batch is left, or what
            is no image is to be augmented.

    Example:
    >>> from keras_iresnet import data
    >>> train = data.load("digits").train
    >>> [tuple(batch.shape) for batch in data.batches(train, 500, shuffle=True, seed=0)]
    [(500, 8, 8, 1), (500, 8, 8, 1), (293, 8, 8, 1)]
    """
    for argument, value in {"batch_size": batch_size, "limit": limit}.items():
        if value is not None and value < 1:
            raise ValueError(f"`{argument}` must be at least 1. Received: {argument}={value}")
    check_augmentable(split, augmentation)
    size = split_size(split)
    if limit is not None and limit < size:
        split, size = split.take(limit), limit
    if drop_remainder and size < batch_size:
        raise ValueError(
            f"With `drop_remainder`, `batch_size` must be at most the number of examples, {size}: no batch would "
            f"be left. Received: batch_size={batch_size}"
        )
    if size * _example_bytes(split) <= CACHED_BYTES:
        split = split.cache()
    if shuffle:
        split = split.shuffle(size, seed=seed, reshuffle_each_iteration=True)
    dataset = split.batch(batch_size, drop_remainder=drop_remainder)
    if augmentation != "none":
        dataset = _augmented(dataset, augmentation, seed)
    return dataset.prefetch(tf.data.AUTOTUNE)


def _augmented(dataset, augmentation, seed):
    """Each batch augmented from a pair of random numbers of its own, new ones in each pass."""
    pairs = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)

    def augmented(batch, pair):
        images, *labels = batch if isinstance(batch, tuple) else (batch,)
        images = augment(images, augmentation, seed=pair)
        return (images, *labels) if labels else images

    return tf.data.Dataset.zip(dataset, pairs).map(augmented, num_parallel_calls=tf.data.AUTOTUNE)


def check_augmentable(split: tf.data.Dataset, augmentation: str) -> None:
    """Refuse an unknown augmentation, and one of what is no image."""
    check_augmentation(augmentation)
    example = split.element_spec[0] if isinstance(split.element_spec, tuple) else split.element_spec
    shape = example.shape if isinstance(example, tf.TensorSpec) else None
    if augmentation != "none" and (shape is None or shape.rank != 3):
        raise ValueError(
            "`augmentation` needs a split of images (height, width, channels). "
            f"Received: augmentation={augmentation!r}, element_spec={split.element_spec}"
        )


def _example_bytes(split):
    """Bytes of one example, and of what comes with it."""
    return sum(math.prod(of.shape) * of.dtype.size for of in tf.nest.flatten(split.element_spec))


def split_size(split: tf.data.Dataset) -> int:
    """The number of examples, or a `ValueError` where that is not known."""
    size = int(split.cardinality())
    if size <= 0:  # TensorFlow codes unknown and infinite as negative numbers
        meaning = {
            int(tf.data.UNKNOWN_CARDINALITY): "unknown",
            int(tf.data.INFINITE_CARDINALITY): "infinite",
        }.get(size, size)
        raise ValueError(f"`split` must be of known, finite size with at least 1 example. Received: size={meaning}")
    return size
