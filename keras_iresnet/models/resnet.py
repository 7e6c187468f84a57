"""The ordinary residual network that invertible ones are compared with."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.elementwise.act_norm import ActNorm
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.precision import check_full_precision
from keras_iresnet.models.batch_norm import batch_norm


@keras.saving.register_keras_serializable(package="keras_iresnet")
class BottleneckResNet(keras.layers.Layer):
    """Residual units of 1x1, 3x3 and 1x1 convolutions, batch normalisation and ReLU before each; no inverse.

    With 18 units in each of three scales it is ResNet-164, less the last normalisation, ReLU and mean, which are those
    of a `Classifier`. The second and all later scales begin with a stride of 2.

    Args:
        blocks: units of each scale.
        channels: of the 3x3 convolutions of each scale; a unit has four times as many outputs.

    Raises:
        ValueError: `channels` is not as long as `blocks`, or the precision is a mixed one.

    Call arguments:
        x: (batch, height, width, channels).
        training: whether batch normalisation uses the batch.

    Reference: He et al., ECCV 2016, arXiv:1603.05027.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.models.resnet import BottleneckResNet
    >>> BottleneckResNet((1, 1), (4, 8))(tf.ones((2, 8, 8, 3))).shape
    TensorShape([2, 4, 4, 32])
    """

    def __init__(self, blocks: Sequence[int], channels: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_full_precision("A bottleneck network", self.dtype_policy)
        self.blocks, self.channels = tuple(blocks), tuple(channels)
        if len(self.blocks) != len(self.channels):
            raise ValueError(
                "`channels` must hold one number for each scale. "
                f"Received: blocks={self.blocks!r}, channels={self.channels!r}"
            )
        self.standardize = ActNorm(trainable=False, name="standardize")
        self.stem = _conv(self.channels[0], 3, name="stem")
        self.units = [
            _Unit(width, stride=2 if scale and not unit else 1, project=not unit)
            for scale, (count, width) in enumerate(zip(self.blocks, self.channels, strict=True))
            for unit in range(count)
        ]

    def build(self, input_shape: Shape) -> None:
        """Create the weights for (batch, height, width, channels)."""
        shape = tuple(input_shape)
        for layer in (self.standardize, self.stem, *self.units):
            layer.build(shape)
            shape = tuple(layer.compute_output_shape(shape))

    def initialize(self, x: Any) -> None:
        """Set the standardisation of the channels from one batch, unless it was set or the network frozen before."""
        if self.trainable:
            self.standardize.initialize(x)

    def call(self, x: Any, training: bool | None = None) -> tf.Tensor:
        """x (batch, height, width, channels) -> features (batch, height', width', 4 * last channels)."""
        x = self.stem(self.standardize(x))
        for unit in self.units:
            x = unit(x, training=training)
        return x

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The last unit's output shape."""
        shape = self.stem.compute_output_shape(tuple(input_shape))
        for unit in self.units:
            shape = unit.compute_output_shape(shape)
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "blocks": list(self.blocks), "channels": list(self.channels)}


class _Unit(keras.layers.Layer):
    """y = shortcut(x) + W3 relu(BN(W2 relu(BN(W1 relu(BN(x))))))."""

    def __init__(self, width, *, stride, project, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride
        self.norms = [batch_norm() for _ in range(3)]
        self.convs = [_conv(width, 1), _conv(width, 3, stride), _conv(4 * width, 1)]
        self.shortcut = _conv(4 * width, 1, stride) if project else None

    def build(self, input_shape):
        shape = tuple(input_shape)
        if self.shortcut:
            self.shortcut.build(shape)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            norm.build(shape)
            conv.build(shape)
            shape = conv.compute_output_shape(shape)

    def call(self, x, training=None):
        y = keras.ops.relu(self.norms[0](x, training=training))
        shortcut = self.shortcut(y) if self.shortcut else x
        y = self.convs[0](y)
        for norm, conv in zip(self.norms[1:], self.convs[1:], strict=True):
            y = conv(keras.ops.relu(norm(y, training=training)))
        return shortcut + y

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, -(-height // self.stride), -(-width // self.stride), self.convs[-1].filters)


def _conv(filters, side, stride=1, **kwargs):
    return keras.layers.Conv2D(
        filters, side, stride, padding="same", use_bias=False, kernel_initializer="he_normal", **kwargs
    )
