"""What builders of images share: keywords with one value for each scale."""

from collections.abc import Sequence
from typing import Any


def checked_blocks(blocks: Sequence[int]) -> tuple[int, ...]:
    """The numbers of blocks as a tuple."""
    blocks = tuple(blocks)
    if not blocks or min(blocks) < 1:
        raise ValueError(f"`blocks` must hold one number of at least 1 for each scale. Received: blocks={blocks!r}")
    return blocks


def squeezes_of(strides: Sequence[int] | None, sides: Sequence[int], blocks: Sequence[int]) -> list[bool]:
    """Whether each scale squeezes: as `strides` says, or where both of the image's sides are even."""
    chosen = list(strides or ())
    if strides is None:
        height, width = sides
        for _ in blocks:
            chosen.append(2 if height % 2 == width % 2 == 0 else 1)
            height, width = height // chosen[-1], width // chosen[-1]
    if len(chosen) != len(blocks) or not set(chosen) <= {1, 2}:
        raise ValueError(f"`strides` must be 1 or 2 for each of {len(blocks)} scales. Received: strides={strides!r}")
    return [stride == 2 for stride in chosen]


def for_each_scale(name: str, value: Any, blocks: Sequence[int]) -> tuple:
    """One value for each scale, from one for all or a sequence."""
    values = (value,) * len(blocks) if isinstance(value, int) else tuple(value)
    if len(values) != len(blocks):
        raise ValueError(f"`{name}` must be one integer, or one for each of {len(blocks)} scales. Received: {value!r}")
    return values
