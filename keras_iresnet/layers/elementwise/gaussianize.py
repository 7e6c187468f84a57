"""[0, 1] -> the real line by the data's own histogram: pixels before the first residual block."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy import special

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.layers.map_bounds import LipOf, MapBounds, of_scales
from keras_iresnet.ops.checks import require

# Of each value: Phi(t) at its lower and 1 - Phi(t) at its upper end, Phi's growth between them, its group's centre and
# scale, and y at its lower end.
_COLUMNS = ("below", "above", "width", "center", "scale", "start")
_ROUNDING = 1e-4  # of the logarithm of a slope: the table is in float32
_LAST = 5.0  # deviations kept at the two ends of the line; 3e-7 of a normal distribution lies beyond


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Gaussianize(InvertibleLayer):
    """The increasing map, the same for all pixels, that makes their values and the noise on them Gaussian.

    A logit gives the noise on a black background, uniform in [0, 1 / bins), the density of an exponential with a cliff,
    which blocks of bounded slope are slow to level. This layer is the quantile function of normal distributions at the
    empirical distribution of the pixels instead (marginal Gaussianization: Chen and Gopinath, NeurIPS 2000; Laparra et
    al., IEEE Transactions on Neural Networks 2011). Each value that is `common`, such as a background, has a normal
    distribution of its own, and so has each run of values between common ones:

        y = center_j + scale_j t,    Phi(t) = Phi(-a) + (Phi(b) - Phi(-a)) v,

    where v in [0, 1] is the share, among the pixels of group j, of those below x. Two groups meet where t is `limit` in
    magnitude: so a and b are `limit`, but 5 at the ends of the line. With h the share of x's value in its group,

        log-det = sum log(bins (Phi(b) - Phi(-a)) h scale_j / phi(t)).

    `initialize(x)` counts the values. Until then they count the same: a probit, where that makes none of them common.

    Args:
        bins: values that a pixel can have; x in [k / bins, (k + 1) / bins) is value k and its noise.
        common: share of all pixels from which a value has a distribution of its own, in (0, 1].
        scale: standard deviation of a run of values; that of a common value is 1.
        limit: standard deviations between the centre of a distribution and its border with the next.

    Raises:
        ValueError: an argument is outside its range, or x lies outside [0, 1] by more than the 5 deviations leave.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> background = tf.random.uniform((1000, 8), 0, 0.25)
    >>> layer = ki.layers.Gaussianize(bins=4)
    >>> y = layer.initialize(tf.concat([background, tf.random.uniform((1000, 2))], 1))[:, :8]
    >>> bool(abs(tf.math.reduce_std(y) - 1) < 0.05)  # an exponential of a logit would not be symmetric
    True
    """

    def __init__(
        self, bins: int = 256, common: float = 0.1, scale: float = 1.5, limit: float = 3.5, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(bins, int) or isinstance(bins, bool) or bins < 2:
            raise ValueError(f"`bins` must be an integer of at least 2. Received: bins={bins!r}")
        if not 0 < common <= 1:
            raise ValueError(f"`common` must lie in (0, 1]. Received: common={common!r}")
        if not (scale > 0 and math.isfinite(scale)):
            raise ValueError(f"`scale` must be positive and finite. Received: scale={scale!r}")
        if not 1 <= limit <= _LAST:
            raise ValueError(f"`limit` must lie in [1, {_LAST:g}]. Received: limit={limit!r}")
        self.bins = bins
        self.common = common
        self.scale = scale
        self.limit = limit

    def build(self, input_shape: Shape) -> None:
        """Create the map of a histogram in which all values count the same."""
        super().build(input_shape)
        uniform = self._map_of(np.ones(self.bins))
        self.values = self.add_weight(
            name="values",
            shape=uniform.shape,
            initializer=lambda shape, dtype: tf.constant(uniform, dtype),
            trainable=False,
        )
        self.counted = self.add_weight(name="counted", shape=(), dtype="bool", initializer="zeros", trainable=False)

    def _is_set(self):
        return bool(tf.convert_to_tensor(self.counted))

    def _initialize(self, x):
        """Count the values of x (batch, ...), each once more than it occurs."""
        counts = np.bincount(self._value(x).numpy().ravel(), minlength=self.bins)
        self.values.assign(self._map_of(1 + counts))
        self.counted.assign(True)

    def _value(self, x):
        return tf.clip_by_value(tf.cast(tf.floor(x * self.bins), tf.int32), 0, self.bins - 1)

    def _map_of(self, counts):
        """What the map is at each value, (bins, columns), for a histogram (bins,)."""
        common = counts >= self.common * counts.sum()
        ends = np.flatnonzero(common[1:] | common[:-1]) + 1
        limits = [_LAST, *[self.limit] * len(ends), _LAST]
        scales = [1.0 if common[first] else self.scale for first in (0, *ends)]
        centers = self.limit * np.cumsum([0.0, *np.add(scales[:-1], scales[1:])])
        rows: list[tuple[float, ...]] = []
        for j, (group, scale, center) in enumerate(zip(np.split(counts, ends), scales, centers, strict=True)):
            lowest, highest = special.ndtr(-np.array(limits[j : j + 2]))
            width = (1 - lowest - highest) * group / group.sum()
            below = lowest + np.cumsum(width) - width
            above = highest + np.cumsum(width[::-1])[::-1] - width
            start = center + scale * special.ndtri(below)
            rows += zip(*np.broadcast_arrays(below, above, width, center, scale, start), strict=True)
        return np.array(rows)

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        if self._is_to_be_set(carried):
            self._initialize(x)
        value = self._value(x)
        below, above, width, center, scale, _ = tf.unstack(tf.gather(self._cast(self.values), value), axis=-1)
        # Each is formed from its own end of [0, 1], so that the smaller one is exact.
        phi = below + width * (x * self.bins - self._cast(value))
        rest = above + width * ((1 - x) * self.bins - self._cast(self.bins - 1 - value))
        message = f"{type(self).__name__}(bins={self.bins}) maps [0, 1]: x must lie in it."
        phi = require(
            phi, (phi > 0) & (rest > 0), message, lambda: f"{float(tf.reduce_min(x))} to {float(tf.reduce_max(x))}"
        )
        tail = tf.math.ndtri(tf.minimum(phi, rest))
        t = tf.where(phi <= rest, tail, -tail)
        log_slope = tf.math.log(self.bins * width * scale) + 0.5 * (tf.square(t) + math.log(2 * math.pi))
        return center + scale * t, tf.reduce_sum(log_slope, list(range(1, x.shape.rank)))

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        table = self._cast(self.values)
        starts = table[1:, _COLUMNS.index("start")]
        value = tf.reshape(tf.searchsorted(starts, tf.reshape(y, [-1]), side="right"), tf.shape(y))
        below, above, width, center, scale, _ = tf.unstack(tf.gather(table, value), axis=-1)
        t = (y - center) / scale
        phi, rest = (0.5 * tf.math.erfc(side * t / math.sqrt(2)) for side in (-1, 1))
        within = tf.where(phi <= rest, (phi - below) / width, 1 - (rest - above) / width)
        return (self._cast(value) + within) / self.bins, None

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        """Of x in [0, 1]: within a value, the slope is a constant over the normal density, which has one maximum."""
        _, _, width, center, scale, start = np.asarray(self.values, np.float64).T
        low = (start - center) / scale
        high = np.append((start[1:] - center[:-1]) / scale[:-1], _LAST)
        inner = np.where(low * high < 0, 0.0, np.minimum(np.abs(low), np.abs(high)))
        outer = np.maximum(np.abs(low), np.abs(high))
        logs = np.log(self.bins * width * scale) + 0.5 * math.log(2 * math.pi)
        dimension = math.prod(self.input_spec.shape[1:])
        smallest, largest = (logs + inner**2 / 2).min() - _ROUNDING, (logs + outer**2 / 2).max() + _ROUNDING
        scales = math.exp(smallest), math.exp(largest)
        return of_scales(*scales, (dimension * smallest, dimension * largest), self.name)

    def load_own_variables(self, store: Any) -> None:
        """As `keras.layers.Layer.load_own_variables`; older files do not say whether values were counted."""
        if len(store.keys()) == 1:
            store = {
                "0": store["0"],
                "1": np.any(np.float32(store["0"]) != np.float32(self._map_of(np.ones(self.bins)))),
            }
        super().load_own_variables(store)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        own = {"bins": self.bins, "common": self.common, "scale": self.scale, "limit": self.limit}
        return {**super().get_config(), **own}
