"""What the builders of rivals share: what data go through first, how blocks are counted, scales of images."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import keras

from keras_iresnet.layers import ActNorm, Chain, FactorOut, InvertibleLayer, Logit, Squeeze
from keras_iresnet.layers.elementwise.column_ranges import ColumnRanges
from keras_iresnet.models import Flow
from keras_iresnet.priors import DiagonalNormal

Shape: TypeAlias = tuple[int, ...]
Scale: TypeAlias = Callable[
    [int, Shape, bool], list[InvertibleLayer]
]  # blocks, the shape that enters, whether the last
Bounds: TypeAlias = tuple[tuple[int, float, float], ...]


def counts_of(blocks: int | Sequence[int]) -> tuple[int, ...]:
    """The number of blocks of each scale.

    Raises:
        ValueError: one is below 1, or there is none.

    Example:
    >>> from keras_iresnet.baselines.flow_parts import counts_of
    >>> counts_of(4), counts_of([3, 3])
    ((4,), (3, 3))
    """
    counts = (blocks,) if isinstance(blocks, int) else tuple(blocks)
    if not counts or min(counts) < 1:
        raise ValueError(f"`blocks` must be a number of at least 1, or one for each scale. Received: blocks={blocks!r}")
    return counts


def flow_of(
    event_shape: Sequence[int],
    steps: Sequence[InvertibleLayer],
    *,
    bins: int | None,
    positive: Sequence[int] = (),
    bounds: Bounds = (),
    seed: int | None = None,
) -> Flow:
    """A flow of these steps over points, whose columns are standardised first, or over images behind a logit.

    Args:
        event_shape: (features,) or (height, width, channels).
        steps: the layers; the prior behind them is a diagonal Gaussian whose means and scales are learned.
        bins: values of a pixel, of images.
        positive: indices of columns that are above 0, whose logarithm the flow sees.
        bounds: (index, lower, upper) of columns that lie between two numbers, whose logit between them it sees.
        seed: of the noise.

    Raises:
        ValueError: an example is neither a vector nor an image, or the other arguments do not go with it.
    """
    event_shape = tuple(event_shape)
    images = len(event_shape) == 3
    if len(event_shape) not in (1, 3) or images != (bins is not None):
        raise ValueError(f"Images have `bins`, points none. Received: event_shape={event_shape}, bins={bins}")
    if images and (positive or bounds):
        raise ValueError(f"Images have no columns. Received: positive={positive}, bounds={bounds}")
    first: list[InvertibleLayer] = [Logit()] if images else []
    if positive or bounds:
        first = [ColumnRanges(positive, bounds)]
    if not images and not isinstance(steps[0], ActNorm):
        first = [*first, ActNorm(name="standardize")]
    return Flow(Chain([*first, *steps]), event_shape, prior=DiagonalNormal(), bins=bins, seed=seed)


def seeded(seed: int | None) -> None:
    """Draw the weights of what follows from a seed."""
    if seed is not None:
        keras.utils.set_random_seed(seed)


def in_scales(event_shape: Sequence[int], counts: Sequence[int], scale: Scale) -> list[InvertibleLayer]:
    """The layers of all scales; half of the channels leave after each but the last. Points have one alone.

    Args:
        event_shape: (features,) or (height, width, channels) of what enters.
        counts: blocks of each scale.
        scale: makes the layers of one.

    Example:
    >>> from keras_iresnet import layers
    >>> from keras_iresnet.baselines.flow_parts import in_scales, squeezed
    >>> found = in_scales((8, 8, 1), (1, 1), lambda count, shape, last: [*squeezed(shape), layers.ActNorm()])
    >>> [type(layer).__name__ for layer in found]
    ['Squeeze', 'ActNorm', 'FactorOut']
    """
    count, *others = counts
    shape = tuple(event_shape)
    if len(shape) == 1:
        return scale(sum(counts), shape, False)
    found = scale(count, shape, not others)
    for layer in found:
        shape = tuple(layer.compute_output_shape((None, *shape)))[1:]
    if not others:
        return found
    if shape[-1] == 1:
        return found + in_scales(shape, others, scale)
    stays = (*shape[:-1], shape[-1] - shape[-1] // 2)
    return [*found, FactorOut(Chain(in_scales(stays, others, scale)))]


def squeezed(shape: Shape) -> list[InvertibleLayer]:
    """A squeeze, where there are sides and both are even."""
    return [Squeeze()] if len(shape) == 3 and shape[0] % 2 == shape[1] % 2 == 0 else []
