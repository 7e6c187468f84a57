"""Labels of classes: what is refused, and how many of them were missed."""

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.ops.checks import require


def check_label_spec(shape, dtype):
    """Raise ValueError unless labels of this shape and type are integers (batch,) or (batch, 1)."""
    shape, dtype = tf.TensorShape(shape), tf.as_dtype(dtype)
    flat = shape.rank == 1 or (shape.rank == 2 and shape[1] == 1)
    if not dtype.is_integer or not flat:
        raise ValueError(
            "Labels must be integers of shape (batch,): the number of the class, not one-hot vectors. "
            f"Received: shape={tuple(shape)}, dtype={dtype.name}"
        )


def check_labels(labels, num_classes):
    """Refuse labels outside [0, num_classes); returns them, see `ops.checks.require`."""
    labels = tf.convert_to_tensor(labels)
    # By value rather than type: Keras builds a model under a strategy from the mean of the replicas' integers.
    check_label_spec(labels.shape, tf.int64)
    wide = tf.cast(labels, tf.int64)
    valid = (wide >= 0) & (wide < num_classes)
    message = f"Labels must lie in [0, num_classes) with num_classes={num_classes}."
    return require(labels, valid, message, lambda: _describe(labels.numpy(), valid.numpy()))


def _describe(labels, valid):
    bad = np.flatnonzero(~valid.reshape(-1))
    return f"{len(bad)} other values, the first {labels.reshape(-1)[bad[0]]} in example {bad[0]}"


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

    _direction = "down"  # what ModelCheckpoint and EarlyStopping go by

    def __init__(self, name="error_percent", **kwargs):
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """`y_true` (batch,) classes; `y_pred` (batch, classes) logits or probabilities."""
        found = tf.argmax(y_pred, -1, output_type=tf.int64)
        wrong = tf.cast(tf.reshape(y_true, [-1]), tf.int64) != found
        super().update_state(100 * tf.cast(wrong, tf.float32), sample_weight)
