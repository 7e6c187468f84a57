"""Zero channels added in front of a classifier's blocks: injective, not bijective."""

from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.layers.map_bounds import LipOf, MapBounds


@keras.saving.register_keras_serializable(package="keras_iresnet")
class InjectivePad(InvertibleLayer):
    """Appends zero channels; the inverse drops them.

    The image of x has measure zero in the larger space, so the layer has no density there: the volume on its image
    is unchanged, log-det 0 (Jacobsen et al., ICLR 2018, section 3).

    Args:
        channels: zero channels to append, at least 1.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> ki.layers.InjectivePad(13)(tf.ones((1, 32, 32, 3))).shape
    TensorShape([1, 32, 32, 16])
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(channels, int) or channels < 1:
            raise ValueError(f"`channels` must be an integer of at least 1. Received: channels={channels!r}")
        self.channels = channels

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, ..., c) -> (batch, ..., c + channels)."""
        return (*input_shape[:-1], input_shape[-1] + self.channels)

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        y = tf.pad(x, [[0, 0]] * (x.shape.rank - 1) + [[0, self.channels]])
        return y, 0.0

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        return y[..., : -self.channels], None

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        return MapBounds()

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "channels": self.channels}
