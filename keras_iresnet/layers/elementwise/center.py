"""Subtracts a constant, so that pixels lie around 0."""

from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.layers.map_bounds import LipOf, MapBounds


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Center(InvertibleLayer):
    """y = x - offset, log-det 0: what Behrmann et al. put before the first block (their code, with offset 1/2).

    Args:
        offset: what is subtracted.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> ki.layers.Center(0.5)(tf.constant([[0.0, 1.0]])).numpy().tolist()
    [[-0.5, 0.5]]
    """

    def __init__(self, offset: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.offset = offset

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        return x - self.offset, 0.0

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        return y + self.offset, None

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        return MapBounds()

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "offset": self.offset}
