"""Refuses data that a flow cannot give a density to, before or while it is used."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet.ops.checks import require

_LOOKED_AT = 1000  # examples whose values may show a grid
_OFF_THE_GRID = 1e-3  # of its steps
_SMALLEST, _LARGEST = 1e-3, 1e3  # deviations of latents that the rates of optimizers are made for
SLACK = 1e-3  # of floats beyond [0, 1]: an inverse ends next to a black pixel, not on it
SLACK_OF_SAMPLES = 8.0  # of a flow without a logit; pixels from 0 to 255 are not taken for any


def is_array(x: Any) -> bool:
    """Whether x is an array or a tensor, rather than something that gives batches."""
    return isinstance(x, np.ndarray) or tf.is_tensor(x)


def check_batch(batch: Any) -> None:
    """Refuse batches, or their specification, that are dictionaries: which part are the examples is not ours to guess.

    Raises:
        ValueError: it is one, or begins with one.
    """
    first = batch[0] if isinstance(batch, tuple) and batch else batch
    if isinstance(first, Mapping):
        raise ValueError(
            "Batches must be examples, or tuples of examples and labels: map dictionaries to them first, as in "
            f"`dataset.map(lambda batch: batch[{next(iter(first), 'image')!r}])`. "
            f"Received: a dictionary of {', '.join(map(repr, first))}"
        )


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


def check_deviations(z: Any) -> None:
    """Refuse latents (batch, D) of points in a unit that no step of an optimizer is made for.

    Raises:
        ValueError: the deviation of some latent is far from 1.
    """
    deviations = np.std(z, 0, dtype=np.float64)
    changing = deviations[deviations > 0]
    if len(changing) and not (changing.min() >= _SMALLEST and changing.max() <= _LARGEST):
        raise ValueError(
            f"Latents of points must have deviations from {_SMALLEST:.0e} to {_LARGEST:.0e}, or `ActNorm` must be the "
            f"first layer, which brings them there. Received: deviations from {changing.min():.3g} to "
            f"{changing.max():.3g}"
        )


def check_values(x: Any, bins: int | None, slack: float = SLACK) -> tf.Tensor:
    """Refuse what is no data; returns x, see `ops.checks.require`.

    Args:
        x: tensor of integers, which must lie in [0, bins), or of floats, which must be finite and, of images, lie in
            [0, 1].
        bins: number of values of a pixel; `None` for points.
        slack: how far floats of images may lie beyond [0, 1].
    """
    if x.dtype.is_integer:
        valid = (x >= 0) & (x < tf.cast(bins, x.dtype)) if bins <= x.dtype.max else x >= 0
        message = f"Integer images must lie in [0, bins) with bins={bins}."
    elif bins is None or (tf.executing_eagerly() and not bool(tf.reduce_all(tf.math.is_finite(x)))):
        valid, message = tf.math.is_finite(x), "The data must be finite."
    else:
        valid = (x >= -slack) & (x <= 1 + slack)
        message = "Images of floats must lie in [0, 1]; integers are given as integers."
    return require(x, valid, message, lambda: _describe(x.numpy(), valid.numpy()))


def checked_examples(x: Any, event_shape: Sequence[int], bins: int | None, slack: float = SLACK) -> tf.Tensor:
    """x as a tensor, if it holds examples (batch, *event_shape) of this kind; see the checks for the arguments."""
    x = tf.convert_to_tensor(x)
    check_shape(x, event_shape)
    check_dtype(x.dtype, bins)
    return check_values(x, bins, slack)


def in_unit_interval(x: tf.Tensor, bins: int, dtype: str) -> tf.Tensor:
    """Images as a classifier sees them: integers in [0, bins) over the largest, floats as they are."""
    scale = bins - 1 if x.dtype.is_integer else 1
    return tf.cast(x, dtype) / scale


def check_noise(x: Any, bins: int) -> None:
    """Refuse floats that lie on a grid, as images divided by 255 do, and so have no noise in their bins.

    A density of such data has no bound, and its bits/dim no meaning.

    Args:
        x: array, of which the first examples are looked at, or data set, of which the first batch is.
        bins: number of values of a pixel.

    Raises:
        ValueError: they have three distinct values or more, all on such a grid.
    """
    if isinstance(x, tf.data.Dataset):
        if not tf.nest.flatten(x.element_spec)[0].dtype.is_floating:
            return
        x = next((tf.nest.flatten(batch)[0] for batch in x.take(1)), ())
    if not is_array(x) or not tf.as_dtype(x.dtype).is_floating:
        return
    values = np.unique(np.asarray(x[:_LOOKED_AT], np.float64))
    for steps in (bins - 1, bins):
        if len(values) >= 3 and np.abs(values * steps - np.round(values * steps)).max() < _OFF_THE_GRID:
            raise ValueError(
                f"Images of floats must have the noise of their dequantization in them: give integers, or "
                f"`flow.to_data(images)`. Received: {len(values)} distinct values, all multiples of 1/{steps}"
            )


def _describe(x, valid):
    bad = x[~valid]
    example, pixel = np.argwhere(~valid)[0][0], tuple(int(i) for i in np.argwhere(~valid)[0][1:])
    return f"{bad.size} other values, the first {bad[0]} in example {example} at {pixel}"
