"""Random shifts and mirror images of a batch, drawn from a seed."""

from collections.abc import Sequence

import tensorflow as tf

SHIFT = 4  # pixels, as in the authors' training
AUGMENTATIONS = ("none", "shift", "shift_flip")


def check_augmentation(augmentation: str) -> None:
    """Refuse what is no augmentation."""
    if augmentation not in AUGMENTATIONS:
        raise ValueError(
            f"`augmentation` must be one of {', '.join(AUGMENTATIONS)}. Received: augmentation={augmentation!r}"
        )


def augment(images: tf.Tensor, augmentation: str, *, seed: tf.Tensor | Sequence[int]) -> tf.Tensor:
    """A batch of images, each shifted by up to 4 pixels, and mirrored half of the time.

    A shift is a random crop of the image padded by 4 pixels on each side, the padding mirroring the image at its
    edge ("symmetric").

    Args:
        images: (batch, height, width, channels) tensor of any dtype, 4 pixels or more along each side.
        augmentation: `"none"`, `"shift"`, or `"shift_flip"` with mirrored images too.
        seed: (2,) integers; the same seed gives the same result.

    Returns:
        Tensor of the shape and dtype of `images`.

    Reference:
        Behrmann et al., ICML 2019, section 5: the authors' training pads CIFAR and SVHN so, and mirrors CIFAR.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.data import augment
    >>> images = tf.reshape(tf.range(64), (1, 8, 8, 1))
    >>> augment(images, "shift", seed=(0, 1)).shape
    TensorShape([1, 8, 8, 1])
    """
    check_augmentation(augmentation)
    if augmentation == "none":
        return images
    batch, (height, width) = tf.shape(images)[0], images.shape[1:3]
    seeds = tf.unstack(tf.random.split(seed, 3))
    rows, columns = _shifted(height, batch, seeds[0]), _shifted(width, batch, seeds[1])
    if augmentation == "shift_flip":
        flipped = tf.random.stateless_uniform((batch, 1), seeds[2]) < 0.5
        columns = tf.where(flipped, columns[:, ::-1], columns)
    images = tf.gather(images, rows, axis=1, batch_dims=1)
    return tf.gather(images, columns, axis=2, batch_dims=1)


def _shifted(size, batch, seed):
    """Where each pixel of a line comes from, (batch, size): shifted, and mirrored where it leaves the image."""
    shift = tf.random.stateless_uniform((batch, 1), seed, -SHIFT, SHIFT + 1, tf.int32)
    source = tf.range(size) + shift
    source = tf.where(source < 0, -1 - source, source)
    return tf.where(source >= size, 2 * size - 1 - source, source)
