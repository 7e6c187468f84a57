"""Who takes part: the models of the zoo that a comparison trains, by short names, and how wide each is made."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from keras_iresnet import data

KINDS = ("plane", "table", "images")  # of data
MOST_SCALES = 3


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A kind of flow that takes part.

    Args:
        name: short, as `--models` has it.
        title: as tables and pictures have it.
        models: kind of data -> the builder's name in the zoo.
        layers: how many it has, 0 of one that has no such keyword, where it is not for the comparison to say.
        scales: whether its layers come in scales, of images.
        couples: whether its layers split the event in two.
    """

    name: str
    title: str
    models: Mapping[str, str]
    layers: int | None = None
    scales: bool = True
    couples: bool = False

    def keywords(self, kind: str, event_shape: Sequence[int], *, blocks: int, width: int) -> dict[str, Any]:
        """The builder's keywords for `blocks` layers, of each scale where there are scales, of `width` hidden units.

        Example:
        >>> from keras_iresnet.comparison.contestants import CONTESTANTS
        >>> CONTESTANTS["glow"].keywords("images", (8, 8, 1), blocks=4, width=32)
        {'blocks': (4, 4), 'units': (32, 32)}
        """
        return {**self._depth(kind, event_shape, blocks), **self.width(kind, width)}

    def _depth(self, kind, event_shape, blocks):
        if self.layers == 0:
            return {}
        count = self.layers or blocks
        return {"blocks": (count,) * scales_of(event_shape) if kind == "images" and self.scales else count}

    def width(self, kind: str, width: int) -> dict[str, Any]:
        """The keywords that say how wide it is."""
        if self.models[kind] == "image_flow":
            return {"channels": width}
        return {"units": (width,) * (3 if self.models[kind] == "toy_flow" else 2)}


_OURS = {"plane": "toy_flow", "table": "tabular_flow", "images": "image_flow"}


def _rival(name, title, **options):
    """One of `keras_iresnet.baselines`, whose builder takes all kinds of data."""
    return Contestant(name, title, dict.fromkeys(KINDS, name), **options)


CONTESTANTS = {
    one.name: one
    for one in (
        Contestant("iresnet", "i-ResNet", _OURS),
        _rival("nice", "NICE", scales=False, couples=True),
        _rival("real_nvp", "Real NVP", couples=True),
        _rival("glow", "Glow", couples=True),
        _rival("irevnet", "i-RevNet's blocks", couples=True),
        _rival("made", "MADE", layers=0),
        _rival("maf", "MAF", scales=False),
        _rival("ffjord", "FFJORD", layers=1),
    )
}
CLASSICAL = {"gaussian": "Gaussian", "mixture": "mixture of Gaussians", "kernel_density": "kernel density"}


def contestants(kind: str) -> list[str]:
    """Names of what can be compared on a kind of data.

    Args:
        kind: `"plane"`, points of two coordinates; `"table"`, of any other number; or `"images"`.

    Example:
    >>> from keras_iresnet.comparison import contestants
    >>> "mixture" in contestants("table"), "mixture" in contestants("images")
    (True, False)
    """
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: kind={kind!r}")
    return [*CONTESTANTS, *(() if kind == "images" else CLASSICAL)]


def fits(name: str, event_shape: Sequence[int]) -> bool:
    """Whether a contestant can be a density of such events: a coupling needs two numbers.

    Example:
    >>> from keras_iresnet.comparison.contestants import fits
    >>> fits("glow", (1,)), fits("glow", (2,)), fits("maf", (1,)), fits("gaussian", (1,))
    (False, True, True, True)
    """
    return name in CLASSICAL or not CONTESTANTS[name].couples or math.prod(event_shape) > 1


def title_of(name: str) -> str:
    """What tables and pictures call it."""
    return CONTESTANTS[name].title if name in CONTESTANTS else CLASSICAL[name]


def kind_of(splits: data.Splits) -> str:
    """Which of `KINDS` a data set is."""
    if splits.bins is not None:
        return "images"
    return "plane" if tuple(splits.event_shape) == (2,) else "table"


def scales_of(event_shape: Sequence[int]) -> int:
    """How often an image is squeezed: while both sides are even and at least 4, three times at most.

    Raises:
        ValueError: not once.

    Example:
    >>> from keras_iresnet.comparison.contestants import scales_of
    >>> scales_of((8, 8, 1)), scales_of((28, 28, 1)), scales_of((32, 32, 3))
    (2, 2, 3)
    """
    height, width = event_shape[:2]
    count = 0
    while count < MOST_SCALES and height % 2 == width % 2 == 0 and min(height, width) >= 4:
        height, width, count = height // 2, width // 2, count + 1
    if not count:
        raise ValueError(
            f"Images must have even sides of 4 pixels or more to be compared. Received: event_shape={event_shape}"
        )
    return count
