"""[0, 1] -> the real line: pixels before the first residual block."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.layers.map_bounds import LipOf, MapBounds, of_scales
from keras_iresnet.ops.checks import require


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Logit(InvertibleLayer):
    """y = logit(s), s = alpha + (1 - 2 alpha) x.

        log-det = sum log((1 - 2 alpha) / (s (1 - s)))

    A flow with a Gaussian prior then starts near the density of real images (Dinh et al., ICLR 2017, section 4.1).

    Args:
        alpha: distance kept from 0 and 1, in (0, 0.5).

    Raises:
        ValueError: x lies outside [0, 1] by more than alpha.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> ki.layers.Logit()(tf.constant([[0.25, 0.5]])).numpy().round(3).tolist()
    [[-1.0989999771118164, 0.0]]
    """

    def __init__(self, alpha: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 < alpha < 0.5:
            raise ValueError(f"`alpha` must lie in (0, 0.5). Received: alpha={alpha!r}")
        self.alpha = alpha

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        # Both sides of the logarithm's argument are formed from x itself: 1 - s would lose small values.
        s = self.alpha + (1 - 2 * self.alpha) * x
        one_minus_s = self.alpha + (1 - 2 * self.alpha) * (1 - x)
        message = f"Logit(alpha={self.alpha}) maps [0, 1]: x must lie in it."
        s = require(
            s, (s > 0) & (one_minus_s > 0), message, lambda: f"{float(tf.reduce_min(x))} to {float(tf.reduce_max(x))}"
        )
        log_s, log_one_minus_s = tf.math.log(s), tf.math.log(one_minus_s)
        log_slope = math.log(1 - 2 * self.alpha) - log_s - log_one_minus_s
        return log_s - log_one_minus_s, tf.reduce_sum(log_slope, list(range(1, x.shape.rank)))

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        return (tf.sigmoid(y) - self.alpha) / (1 - 2 * self.alpha), None

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        """Of x in [0, 1]: the slope is least at 1/2 and largest at both ends, and the inverse is defined everywhere."""
        least, largest = (1 - 2 * self.alpha) * 4, (1 - 2 * self.alpha) / (self.alpha * (1 - self.alpha))
        dimension = math.prod(self.input_spec.shape[1:])
        return of_scales(least, largest, (dimension * math.log(least), dimension * math.log(largest)), self.name)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "alpha": self.alpha}
