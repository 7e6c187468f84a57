"""Batch normalisation, of the global batch."""

from typing import Any

import keras


def batch_norm(**options: Any) -> keras.layers.Layer:
    """Keras's layer as classifiers have it, with the same averages on all replicas; `options` are `dtype` and `name`.

    Mean and variance are those of the global batch. By default each replica would take those of its own share, and
    average them for itself.

    Example:
    >>> from keras_iresnet.models.batch_norm import batch_norm
    >>> batch_norm(name="norm").synchronized
    True
    """
    return keras.layers.BatchNormalization(momentum=0.9, synchronized=True, **options)
