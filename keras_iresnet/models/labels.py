"""Labels of classes: what is refused, and how many of them were missed."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import lower_is_better
from keras_iresnet.models.example_checks import is_array
from keras_iresnet.ops.checks import require


def check_label_spec(shape: Any, dtype: Any) -> None:
    """Raise ValueError unless labels of this shape and type are integers (batch,) or (batch, 1)."""
    shape, dtype = tf.TensorShape(shape), tf.as_dtype(dtype)
    flat = shape.rank == 1 or (shape.rank == 2 and shape[1] == 1)
    if not dtype.is_integer or not flat:
        raise ValueError(
            "Labels must be integers of shape (batch,): the number of the class, not one-hot vectors. "
            f"Received: shape={tuple(shape)}, dtype={dtype.name}"
        )


def check_labelled(x: Any, y: Any, num_classes: int) -> None:
    """Refuse data without labels of classes: arrays whole, a data set by its specification and its first batch.

    Whatever else Keras takes, and later batches, `check_labels` sees as they come.
    """
    if isinstance(x, tf.data.Dataset):
        spec = x.element_spec
        if not isinstance(spec, tuple) or len(spec) not in (2, 3):
            raise ValueError(f"The data set must give images and labels. Received: element_spec={spec}")
        check_label_spec(spec[1].shape, spec[1].dtype)
        for _, labels, *_ in x.take(1):
            check_labels(labels, num_classes)
    elif is_array(x):
        check_labels(y, num_classes)


def check_labels(labels: Any, num_classes: int) -> tf.Tensor:
    """Refuse labels that are none, or not in [0, num_classes); returns them, see `ops.checks.require`."""
    if labels is None:
        raise ValueError("Labels must be given beside images. Received: y=None")
    labels = tf.convert_to_tensor(labels)
    check_label_spec(labels.shape, labels.dtype)
    wide = tf.cast(labels, tf.int64)
    valid = (wide >= 0) & (wide < num_classes)
    message = f"Labels must lie in [0, num_classes) with num_classes={num_classes}."
    return require(labels, valid, message, lambda: _describe(labels.numpy(), valid.numpy()))


def _describe(labels, valid):
    bad = np.flatnonzero(~valid.reshape(-1))
    return f"{len(bad)} other values, the first {labels.reshape(-1)[bad[0]]} in example {bad[0]}"


@lower_is_better
@keras.saving.register_keras_serializable(package="keras_iresnet")
class ErrorPercent(keras.metrics.Mean):
    """Top-1 error: how many examples in a hundred get another class than their own.

    Example:
    >>> import keras_iresnet as ki
    >>> metric = ki.models.ErrorPercent()
    >>> metric.update_state([0, 1], [[2.0, 1.0], [3.0, 0.0]])
    >>> float(metric.result())
    50.0
    """

    def __init__(self, name: str = "error_percent", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """`y_true` (batch,) classes; `y_pred` (batch, classes) logits or probabilities."""
        found = tf.argmax(y_pred, -1, output_type=tf.int64)
        wrong = tf.cast(tf.reshape(y_true, [-1]), tf.int64) != found
        super().update_state(100 * tf.cast(wrong, tf.float32), sample_weight)
