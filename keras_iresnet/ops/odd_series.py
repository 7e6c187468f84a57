"""Estimators of log|det(I - J)| - log|det(I + J)|, the log-determinant of a monotone block.

For |J| < 1 the even terms of both series cancel (Ahn et al., NeurIPS 2022, section 3.3):

    log|det(I - J)| - log|det(I + J)| = -2 sum over odd k of tr(J^k) / k

Each takes what an estimator of `log_det` takes and returns g(x) and nats (batch,).
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, ClassVar

import tensorflow as tf

from keras_iresnet.ops import maps
from keras_iresnet.ops.bounds import smallest_number
from keras_iresnet.ops.bounds.odd_bias import odd_series_bias
from keras_iresnet.ops.log_det import LogDetEstimator, SeriesLogDet
from keras_iresnet.ops.roulette import CAP_BIAS, RouletteLogDet
from keras_iresnet.ops.series_terms import SeriesValue, series_terms
from keras_iresnet.ops.series_to_bias import SeriesToBias


def odd(estimator: LogDetEstimator) -> LogDetEstimator:
    """The estimator of log|det(I - J)| - log|det(I + J)| that goes with one of log|det(I + J)|.

    A series or a roulette has the same number of terms, of which the odd ones count; its value is that of the original
    for -J less that for J, with the same seed. For any other estimator just that difference is taken.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import log_det, maps
    >>> from keras_iresnet.ops.odd_series import odd
    >>> g = maps.Dense(tf.constant([[0.5, 0.0], [0.0, -0.2]]))
    >>> nats = odd(log_det.ExactLogDet())(g, tf.zeros((1, 2)), None)[1]
    >>> print(f"{nats.numpy()[0]:.4f}")  # log(0.5 * 1.2) - log(1.5 * 0.8)
    -0.6931
    """
    made = _MADE.get(type(estimator))
    return OddByDifference(estimator) if made is None else made(**vars(estimator))


@dataclasses.dataclass(frozen=True)
class OddByDifference:
    """An estimator's value for -g, less that for g: two calls of it, with the same probes."""

    estimator: LogDetEstimator

    def __call__(self, g: maps.Map, x: tf.Tensor, seed: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """g(x), and log|det(I - dg/dx)| - log|det(I + dg/dx)| (batch,) in nats."""
        value, plus = self.estimator(g, x, seed)
        return value, self.estimator(maps.Composition([g, maps.Scale(-1.0)]), x, seed)[1] - plus


class OddSeries(SeriesLogDet):
    """The odd terms up to `num_terms`, twice and negative, in the dual form.

        value     -2 sum over odd k <= n of <u_(k-1), J v> / k
        gradient  that of <w, J v> for w = -2 sum over odd k <= n of u_(k-1) held constant

    The bias is at most 2 D times the sum of L^k / k over odd k > n.
    """

    def _walk(self, linearized, v, image, seed):
        del seed
        series = walk = u = v
        for k in range(3, self.num_terms + 1, 2):
            u = linearized.vjp(linearized.vjp(tf.stop_gradient(u)))
            series, walk = series + u / k, walk + u
        return self._inner(tf.stop_gradient(-2 * series), tf.stop_gradient(image)), tf.stop_gradient(-2 * walk)


class OddRoulette(RouletteLogDet):
    """The same with a random number of terms, weighted as in `RouletteLogDet`: unbiased.

    The default cap is its own: odd terms count twice, so that they can leave more than the whole series does.
    """

    def _least_terms(self, lip, dimension):
        return _odd_terms_within_bias(lip, dimension)

    def _walk(self, linearized, v, image, seed):
        rate = self._known_rate()

        def step(u, odds):
            return tf.ensure_shape(linearized.vjp(tf.stop_gradient(u)), u.shape) * (1.0 / odds)

        def further(k, u, series, walk):
            u, j = step(u, rate), self.exact_terms + k
            counted = tf.cast(j % 2, u.dtype)
            return k + 1, u, series + u * (counted / tf.cast(j, u.dtype)), walk + u * counted

        series = walk = u = v
        for j in range(2, self.exact_terms + 1):
            u = step(u, 1.0)
            if j % 2:
                series, walk = series + u / j, walk + u
        start = (tf.constant(1), *map(tf.stop_gradient, (u, series, walk)))
        length = self.further_terms(seed, v.shape[1:].num_elements())
        _, _, series, walk = tf.while_loop(lambda k, *_: k <= length, further, start)
        return self._inner(tf.stop_gradient(-2 * series), tf.stop_gradient(image)), tf.stop_gradient(-2 * walk)


class OddSeriesValue(SeriesValue):
    """The value of `OddSeries` alone, in a loop, as `SeriesValue` is for `SeriesLogDet`."""

    def __call__(self, g: Any, x: tf.Tensor, seed: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """g(x), and log|det(I - dg/dx)| - log|det(I + dg/dx)| (batch,) in nats."""
        found = series_terms(g, x, seed, num_terms=self.num_terms, num_probes=self.num_probes)
        return found.value, -2 * tf.reduce_mean(tf.reduce_sum(found.terms[::2], 0), 0)


class OddSeriesToBias(SeriesToBias):
    """The odd terms, cut as in `SeriesToBias`, by what is left after an odd n.

    2 sum over odd k > n of |<u, J^(k-n) J v>| / k  <=  2 |u| |J v| L^2 / ((n + 2) (1 - L^2)),    u = (J^T)^(n-1) v
    """

    _stride: ClassVar[int] = 2
    _factor: ClassVar[float] = -2.0


@functools.cache
def _odd_terms_within_bias(lip, dimension):
    if not lip < 1:  # the root of a rate that is 1 but for rounding
        raise ValueError(f"`rate` must be below 1 by more than its rounding. Received: a bound of {lip!r}")
    return smallest_number(lambda num_terms: odd_series_bias(lip, num_terms, dimension) <= CAP_BIAS)


_MADE: dict[type, Callable[..., Any]] = {
    SeriesLogDet: OddSeries,
    RouletteLogDet: OddRoulette,
    SeriesValue: OddSeriesValue,
    SeriesToBias: OddSeriesToBias,
}
