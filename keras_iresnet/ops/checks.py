"""Conditions on values: a ValueError where Python runs, an assertion of the graph where it is compiled."""

import contextlib
import re
from collections.abc import Callable, Iterator

import tensorflow as tf

# Of an assertion with one text, as `require` makes them; where there are values too, each is in brackets of its own.
_ASSERTED = re.compile(r"assertion failed: \[((?:(?!\] \[).)+)\]\s+\[\[", re.DOTALL)


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


@contextlib.contextmanager
def assertions_as_errors(examine: Callable[[], object] | None = None) -> Iterator[None]:
    """Where a compiled function stops at a condition of `require`, raise what Python would have, without the graph.

    Args:
        examine: looks at the data eagerly, and raises a ValueError that says what was received. None is for data that
            are gone by then, such as a batch of a pipeline.

    Raises:
        ValueError: in the place of `tf.errors.InvalidArgumentError`, with what must hold.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops.checks import assertions_as_errors, require
    >>> root = tf.function(lambda x: tf.sqrt(require(x, x > 0, "x must be positive.")))
    >>> with assertions_as_errors():
    ...     y = root(tf.constant([1.0, -1.0]))
    Traceback (most recent call last):
    ValueError: x must be positive. Received: a batch of which this does not hold
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        asserted = _ASSERTED.search(error.message)
        if asserted is None:
            raise
        if examine is not None:
            examine()
        raise ValueError(f"{asserted[1]} Received: a batch of which this does not hold") from error
