"""What a figure or a table of the paper is here, and what is made of it: arrays, pictures, sliders, tables, words."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras_iresnet.report.sources import Sources


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture that can be drawn.

    Args:
        name: of its file, without an ending.
        alt: what it shows, for who does not see it.
        draw: function that writes it as PNG to the path that it is given.
        caption: a sentence below it.
        chart: whether it is lines on white, which a dark page turns around.
    """

    name: str
    alt: str
    draw: Callable[[pathlib.Path], None]
    caption: str = ""
    chart: bool = False


@dataclasses.dataclass(frozen=True)
class Slider:
    """Pictures of which one is seen at a time, as something is moved.

    Args:
        label: what is moved, such as `"temperature"`.
        frames: value, as the slider shows it -> picture.
        start: the value that is seen first.
        caption: a sentence below it.
    """

    label: str
    frames: Mapping[str, Picture]
    start: str
    caption: str = ""


@dataclasses.dataclass(frozen=True)
class Shown:
    """What was made of an exhibit.

    Args:
        arrays: name -> array, what the pictures are drawn from.
        pictures: in order.
        sliders: below them.
        beside: rows `(what, what the paper says, what was found here)`.
        tables: heading -> rows of a table, all with the same columns.
        settings: lines that say how: models, data, numbers of examples, commands.
    """

    arrays: Mapping[str, Any]
    pictures: Sequence[Picture] = ()
    sliders: Sequence[Slider] = ()
    beside: Sequence[tuple[str, str, str]] = ()
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = dataclasses.field(default_factory=dict)
    settings: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Exhibit:
    """A figure or a table of the paper, or what goes beyond it.

    Args:
        name: of its files.
        title: heading.
        text: what the paper shows there, and what is seen here in its place.
        make: function of the sources to what is shown; called where there is a released model or a recorded run for it,
            or where it needs neither.
        released: released models that it is made from, those there are.
        recorded: recorded runs, likewise.
        records: models of the zoo whose records it has figures of, beside those of `released`; `None` for all.
    """

    name: str
    title: str
    text: str
    make: Callable[[Sources], Shown]
    released: Sequence[str] = ()
    recorded: Sequence[str] = ()
    records: Sequence[str] | None = ()
