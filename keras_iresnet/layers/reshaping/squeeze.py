"""Space to channels: each 2x2 patch of pixels becomes one pixel of four times the channels."""

from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.layers.map_bounds import LipOf, MapBounds


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Squeeze(InvertibleLayer):
    """(batch, height, width, channels) -> (batch, height / f, width / f, f^2 channels); log-det 0.

    It takes the place of a stride (Dinh et al., ICLR 2017, section 3.6; Jacobsen et al., ICLR 2018).

    Args:
        factor: f, which must divide both sides.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> ki.layers.Squeeze()(tf.ones((1, 8, 8, 3))).shape
    TensorShape([1, 4, 4, 12])
    """

    def __init__(self, factor: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(factor, int) or factor < 2:
            raise ValueError(f"`factor` must be an integer of at least 2. Received: factor={factor!r}")
        self.factor = factor

    def build(self, input_shape: Shape) -> None:
        """Check that the sides can be divided."""
        super().build(input_shape)
        if len(input_shape) != 4 or any(side is None or side % self.factor for side in input_shape[1:3]):
            raise ValueError(
                "The input must be (batch, height, width, channels) with height and width divisible by "
                f"factor={self.factor}. Received: input_shape={tuple(input_shape)}"
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, height, width, channels) -> (batch, height / f, width / f, f^2 channels)."""
        batch, height, width, channels = input_shape
        return (batch, height // self.factor, width // self.factor, channels * self.factor**2)

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        return tf.nn.space_to_depth(x, self.factor), 0.0

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        return tf.nn.depth_to_space(y, self.factor), None

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        return MapBounds()

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "factor": self.factor}
