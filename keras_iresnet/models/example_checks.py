"""Refuses data that a flow cannot give a density to, before or while it is used."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet.ops.checks import require


def is_array(x: Any) -> bool:
    """Whether x is an array or a tensor, rather than something that gives batches."""
    return isinstance(x, np.ndarray) or tf.is_tensor(x)


def check_shape(x: Any, event_shape: Sequence[int]) -> None:
    """Raise ValueError unless x has shape (batch, *event_shape)."""
    if x.shape.rank is None or not x.shape[1:].is_compatible_with(event_shape) or x.shape.rank == 0:
        raise ValueError(
            f"The data must have shape (batch, {', '.join(map(str, event_shape))}). Received: shape={tuple(x.shape)}"
        )


def check_dtype(dtype: Any, bins: int | None) -> None:
    """Raise ValueError unless data of this dtype can be read: integers need a declared number of bins."""
    dtype = tf.as_dtype(dtype)
    if dtype.is_floating or (dtype.is_integer and bins is not None):
        return
    must = "integer images or floats in data space" if bins else "floats, since `bins` is None"
    raise ValueError(f"The data must be {must}. Received: dtype={dtype.name}")


def check_values(x: Any, bins: int | None) -> tf.Tensor:
    """Refuse integers outside [0, bins) and floats that are not finite; returns x, see `ops.checks.require`."""
    if x.dtype.is_integer:
        valid = (x >= 0) & (x < tf.cast(bins, x.dtype)) if bins <= x.dtype.max else x >= 0
        message = f"Integer images must lie in [0, bins) with bins={bins}."
    else:
        valid = tf.math.is_finite(x)
        message = "The data must be finite."
    return require(x, valid, message, lambda: _describe(x.numpy(), valid.numpy()))


def _describe(x, valid):
    bad = x[~valid]
    example, pixel = np.argwhere(~valid)[0][0], tuple(int(i) for i in np.argwhere(~valid)[0][1:])
    return f"{bad.size} other values, the first {bad[0]} in example {example} at {pixel}"
