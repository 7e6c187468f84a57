"""Conditions on values: a ValueError where Python runs, an assertion of the graph where it is compiled."""

from collections.abc import Callable

import tensorflow as tf


def require(x: tf.Tensor, condition: tf.Tensor, message: str, describe: Callable[[], str] | None = None) -> tf.Tensor:
    """Return x, or stop where `condition` (bool tensor) does not hold throughout.

    Args:
        x: tensor that is passed on, so that the check runs before x is used.
        condition: boolean tensor.
        message: what must hold.
        describe: function of nothing that says what was received, called eagerly only.

    Raises:
        ValueError: eagerly. In a compiled function `tf.errors.InvalidArgumentError` takes its place, and under XLA,
            which has no assertions, nothing.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops.checks import require
    >>> x = tf.constant([1.0, -1.0])
    >>> require(x, x > 0, "x must be positive.", lambda: str(x.numpy().min()))
    Traceback (most recent call last):
    ValueError: x must be positive. Received: -1.0
    """
    holds = tf.reduce_all(condition)
    if not tf.executing_eagerly():
        with tf.control_dependencies([tf.debugging.Assert(holds, [message])]):
            return tf.identity(x)
    if not bool(holds):
        raise ValueError(f"{message} Received: {describe()}" if describe else message)
    return x
