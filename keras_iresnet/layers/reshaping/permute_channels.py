"""Channels in another order."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.layers.map_bounds import LipOf, MapBounds


@keras.saving.register_keras_serializable(package="keras_iresnet")
class PermuteChannels(InvertibleLayer):
    """y[..., i] = x[..., order[i]] for a fixed order of the channels; log-det 0.

    What other packages call a squeeze orders channels as they please; `Squeeze` and this are any of them. Before a
    `FactorOut` it decides which channels leave.

    Args:
        order: the channel of x that each channel of y is: all numbers from 0, each once.

    Raises:
        ValueError: it is no permutation, or x has another number of channels.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> ki.layers.PermuteChannels([2, 0, 1])(tf.constant([[1.0, 2.0, 3.0]])).numpy().tolist()
    [[3.0, 1.0, 2.0]]
    """

    def __init__(self, order: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.order = [int(channel) for channel in order]
        if sorted(self.order) != list(range(len(self.order))) or not self.order:
            raise ValueError(f"`order` must hold all numbers from 0, each once. Received: order={list(order)}")

    def build(self, input_shape: Shape) -> None:
        """Check the number of channels of (batch, ..., channels)."""
        super().build(input_shape)
        if input_shape[-1] != len(self.order):
            raise ValueError(
                f"The input must have {len(self.order)} channels. Received: input_shape={tuple(input_shape)}"
            )

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        return tf.gather(x, self.order, axis=-1), 0.0

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        return tf.gather(y, np.argsort(self.order), axis=-1), None

    def _bounds(self, lip_of: LipOf) -> MapBounds:
        return MapBounds()

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "order": self.order}
