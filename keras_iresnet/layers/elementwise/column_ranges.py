"""Columns that are positive, or fractions: mapped onto the real line, so that no density lies outside their range."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer


@keras.saving.register_keras_serializable(package="keras_iresnet")
class ColumnRanges(InvertibleLayer):
    """y = log(x) in columns that are positive, logit(x) in those that lie in (0, 1), x in all others.

        log-det = - sum log(x) - sum log(x (1 - x))

    over the positive columns, and over the fractions. Outside of its range a row has density 0: the log-det is minus
    infinity.

    Args:
        positive: indices of the columns above 0.
        fractions: indices of the columns in (0, 1).

    Raises:
        ValueError: an index names no column, or one stands in both.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.layers.elementwise.column_ranges import ColumnRanges
    >>> ColumnRanges(positive=(0,))(tf.constant([[1.0, -5.0]])).numpy().tolist()
    [[0.0, -5.0]]
    """

    def __init__(self, positive: Sequence[int] = (), fractions: Sequence[int] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.positive, self.fractions = tuple(positive), tuple(fractions)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Check the indices against the number of columns."""
        super().build(input_shape)
        columns, given = input_shape[-1], (*self.positive, *self.fractions)
        if len(set(given)) < len(given) or not all(0 <= index < columns for index in given):
            raise ValueError(
                f"`positive` and `fractions` must be different indices below the number of columns, {columns}. "
                f"Received: positive={self.positive}, fractions={self.fractions}"
            )
        self._is_positive = [index in self.positive for index in range(columns)]
        self._is_fraction = [index in self.fractions for index in range(columns)]

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        ranged = tf.logical_or(self._is_positive, self._is_fraction)
        inside = ~ranged | ((x > 0) & (~tf.constant(self._is_fraction) | (x < 1)))
        # 1/2 stands for what takes part in no logarithm: in the branch of `where` that is not taken, a gradient must
        # be finite too.
        above = tf.where(ranged & inside, x, 0.5)
        below = tf.where(self._is_fraction & inside, 1 - x, 0.5)
        log_above, log_below = tf.math.log(above), tf.math.log(below)
        y = tf.where(self._is_positive, log_above, tf.where(self._is_fraction, log_above - log_below, x))
        slope = tf.where(ranged, -log_above, 0.0) - tf.where(self._is_fraction, log_below, 0.0)
        log_det = tf.reduce_sum(slope, -1)
        return y, tf.where(tf.reduce_all(inside, -1), log_det, tf.constant(-float("inf"), log_det.dtype))

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        exponentials = tf.exp(tf.where(self._is_positive, y, 0.0))
        return tf.where(self._is_positive, exponentials, tf.where(self._is_fraction, tf.sigmoid(y), y)), None

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "positive": list(self.positive), "fractions": list(self.fractions)}
