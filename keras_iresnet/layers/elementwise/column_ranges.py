"""Columns that are positive, or bounded: mapped onto the real line, so that no density lies outside their range."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.layers.map_bounds import LipOf, MapBounds


@keras.saving.register_keras_serializable(package="keras_iresnet")
class ColumnRanges(InvertibleLayer):
    """y = log(x) in columns that are positive, logit(t) with t = (x - a) / (b - a) in those in (a, b), x in all others.

        log-det = - sum log(x) - sum log((b - a) t (1 - t))

    over the positive columns, and over the bounded ones. Outside of its range a row has density 0: the log-det is minus
    infinity.

    Args:
        positive: indices of the columns above 0.
        bounds: (index, a, b) of each bounded column.

    Raises:
        ValueError: an index names no column, or one stands in both; or bounds that are not finite and in order.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.layers.elementwise.column_ranges import ColumnRanges
    >>> ColumnRanges(positive=(0,))(tf.constant([[1.0, -5.0]])).numpy().tolist()
    [[0.0, -5.0]]
    """

    def __init__(
        self, positive: Sequence[int] = (), bounds: Sequence[tuple[int, float, float]] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.positive = tuple(positive)
        self.bounds = tuple((int(index), float(low), float(high)) for index, low, high in bounds)
        if not all(-math.inf < low < high < math.inf for _, low, high in self.bounds):
            raise ValueError(f"`bounds` must be finite, the lower one first. Received: bounds={self.bounds}")

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Check the indices against the number of columns."""
        super().build(input_shape)
        columns, bounded = input_shape[-1], {index: (low, high) for index, low, high in self.bounds}
        given = (*self.positive, *(index for index, _, _ in self.bounds))
        if len(set(given)) < len(given) or not all(0 <= index < columns for index in given):
            raise ValueError(
                f"`positive` and `bounds` must name different columns by indices below their number, {columns}. "
                f"Received: positive={self.positive}, bounds={self.bounds}"
            )
        self._is_positive = [index in self.positive for index in range(columns)]
        self._is_bounded = [index in bounded for index in range(columns)]
        lows, highs = zip(*(bounded.get(index, (0.0, 1.0)) for index in range(columns)), strict=True)
        self._low, self._width = np.array(lows), np.subtract(highs, lows)

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        x = (x - self._low.astype(x.dtype.name)) / self._width.astype(x.dtype.name)
        ranged = tf.logical_or(self._is_positive, self._is_bounded)
        inside = ~ranged | ((x > 0) & (~tf.constant(self._is_bounded) | (x < 1)))
        # 1/2 stands for what takes part in no logarithm: in the branch of `where` that is not taken, a gradient must
        # be finite too.
        above = tf.where(ranged & inside, x, 0.5)
        below = tf.where(self._is_bounded & inside, 1 - x, 0.5)
        log_above, log_below = tf.math.log(above), tf.math.log(below)
        y = tf.where(self._is_positive, log_above, tf.where(self._is_bounded, log_above - log_below, x))
        slope = tf.where(ranged, -log_above, 0.0) - tf.where(self._is_bounded, log_below, 0.0)
        log_det = tf.reduce_sum(slope, -1) - float(np.log(self._width).sum())
        return y, tf.where(tf.reduce_all(inside, -1), log_det, tf.constant(-float("inf"), log_det.dtype))

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        exponentials = tf.exp(tf.where(self._is_positive, y, 0.0))
        x = tf.where(self._is_positive, exponentials, tf.where(self._is_bounded, tf.sigmoid(y), y))
        return x * self._width.astype(x.dtype.name) + self._low.astype(x.dtype.name), None

    def _inverse_stretch(self, y: tf.Tensor, error: tf.Tensor, proved: tf.Tensor) -> tf.Tensor:
        """An exponential has a largest slope where its argument is bounded."""
        if not self.positive:
            return proved
        others = np.where(self._is_bounded, self._width / 4, 1.0)
        return tf.reduce_max(tf.where(self._is_positive, tf.exp(y + error[:, None]), others), -1)

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        """Logarithms have no largest slope, nor exponentials; a logit alone has a smallest one."""
        unknown = MapBounds.unknown(self.name)
        if self.positive:
            return unknown
        return dataclasses.replace(unknown, inverse=max(1.0, *(self._width / 4)) if self.bounds else 1.0)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "positive": list(self.positive), "bounds": [list(one) for one in self.bounds]}
