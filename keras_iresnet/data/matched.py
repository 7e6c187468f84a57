"""Images of one data set in the shape of another: strangers to show to a model."""

from collections.abc import Sequence

import tensorflow as tf


def matched(images: tf.Tensor, bins: int, *, event_shape: Sequence[int], to_bins: int) -> tf.Tensor:
    """Images resized by averaging areas, and their values scaled to another number of bins.

    Args:
        images: (batch, height, width, channels) integers in [0, bins).
        bins: their number of values.
        event_shape: (height, width, channels) to reach; the channels must be the same.
        to_bins: number of values to reach, at most 256.

    Returns:
        (batch, *event_shape) uint8 in [0, to_bins).

    Raises:
        ValueError: another number of channels.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.data.matched import matched
    >>> images = np.full((2, 28, 28, 1), 255, np.uint8)
    >>> np.unique(matched(images, 256, event_shape=(8, 8, 1), to_bins=17)).tolist()
    [16]
    """
    images = tf.convert_to_tensor(images)
    if images.shape[-1] != event_shape[-1]:
        raise ValueError(f"`images` must have {event_shape[-1]} channels. Received: shape={tuple(images.shape)}")
    resized = tf.image.resize(tf.cast(images, tf.float32), event_shape[:2], method="area")
    return tf.cast(tf.round(resized * ((to_bins - 1) / (bins - 1))), tf.uint8)
