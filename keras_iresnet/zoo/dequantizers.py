"""The dequantizers that a builder's plain keywords ask for."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_iresnet import layers
from keras_iresnet.layers.precision import stream_dtype
from keras_iresnet.ops.log_det import LogDetEstimator

DEQUANTIZATIONS = ("uniform", "variational")
_FEATURES = 16  # of the image at each pixel of the grid, that the noise depends on


def make_dequantizer(
    dequantization: str, event_shape: Sequence[int], *, channels: int, coeff: float, estimator: LogDetEstimator
) -> layers.VariationalDequantizer | None:
    """A dequantizer of two residual blocks over images squeezed once where their sides are even; `None` if uniform.

    Args:
        dequantization: of `DEQUANTIZATIONS`.
        event_shape: (height, width, channels) of an image.
        channels: hidden channels of the branches and of the network that looks at the image.
        coeff: bound of each layer's norm.
        estimator: of the blocks' log-determinants.

    Raises:
        ValueError: another name.
    """
    if dequantization not in DEQUANTIZATIONS:
        raise ValueError(f"`dequantization` must be one of {DEQUANTIZATIONS}. Received: {dequantization=}")
    if dequantization == "uniform":
        return None
    even = all(side % 2 == 0 for side in event_shape[:2])
    before = [layers.Squeeze()] if even else []
    for squeeze in before:
        squeeze.build((None, *event_shape))
    options: dict[str, Any] = {"coeff": coeff, "activation": "lipswish", "condition_size": _FEATURES}
    blocks = [
        layers.InvertibleResidualBlock(layers.ConvBranch(channels, preactivate=i > 0, **options), estimator=estimator)
        for i in range(2)
    ]
    chain = layers.Chain([*before, *blocks, *(layers.Inverse(squeeze) for squeeze in before)])
    dtype = stream_dtype(keras.config.dtype_policy().variable_dtype)  # what it makes is used in evaluation too
    convolutions = [
        keras.layers.Conv2D(filters, 3, padding="same", activation=activation, dtype=dtype)
        for filters, activation in ((channels, "elu"), (channels, "elu"), (_FEATURES, None))
    ]
    squeezes = [layers.Squeeze()] if even else []
    return layers.VariationalDequantizer(chain, keras.Sequential([*squeezes, *convolutions], name="context"))
