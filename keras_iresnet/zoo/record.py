"""What a model of the zoo reached and what a paper published, as data: `records/NAME.json`, one file a model."""

import dataclasses
import json
import os
import pathlib
import types
import typing
from typing import Any

RECORDS = pathlib.Path(__file__).parent / "records"
_KINDS = {str: "text", int: "an integer", float: "a number", tuple: "a list", types.NoneType: "null"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A number with its unit.

    Args:
        metric: what it measures, as metrics.json names it without split and unit, such as `"bits_per_dim"`.
        value: the number.
        unit: `"bits/dim"`, `"nats"`, `"% error"`, or `None` for a pixel in [0, 1].

    Example:
    >>> from keras_iresnet.zoo.record import Published
    >>> str(Published(metric="error_percent", value=0.4, unit="% error"))
    '0.40 % error'
    """

    metric: str
    value: float
    unit: str | None

    def __str__(self) -> str:
        return " ".join([self.number(), *([self.unit] if self.unit else [])])

    def number(self) -> str:
        """The value as text, without its unit."""
        if 0 < abs(self.value) < 0.01:
            return f"{self.value:.1e}"
        return f"{self.value:.{max(2, _decimals(self.value))}f}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Published(Figure):
    """A figure that a paper reports for the model.

    Args:
        metric, value, unit: see `Figure`.
        source: the paper, and where in it.
        notes: in what it differs from the model here.
    """

    source: str | None = None
    notes: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Yardstick:
    """What a figure is to be compared with: a value in the figure's unit, and whose it is."""

    value: float
    of: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reached(Figure):
    """A figure that was measured with this package; what is not known is `None`.

    Args:
        metric, value, unit: see `Figure`.
        standard_error: of the value, in its unit.
        dataset: name understood by `keras_iresnet.data.load`.
        split: of the data set, such as `"test"`.
        examples: how many of the split were looked at.
        commands: what was typed, in order; `RUN` stands for the run's folder.
        commit: of the package.
        machine: in words.
        minutes: of the whole run, from start-up to the last picture.
        training_minutes: of them, those that trained.
        steps: of training.
        yardstick: what to compare it with.
        notes: terms of the series and the bound of its bias, other work beside, and the like.

    Example:
    >>> import keras_iresnet as ki
    >>> figure = ki.zoo.get("digits_flow").record.reached[0]
    >>> str(figure), figure.split, figure.examples
    ('2.045 ± 0.011 bits/dim', 'test', 360)
    """

    standard_error: float | None = None
    dataset: str | None = None
    split: str | None = None
    examples: int | None = None
    commands: tuple[str, ...] = ()
    commit: str | None = None
    machine: str | None = None
    minutes: float | None = None
    training_minutes: float | None = None
    steps: int | None = None
    yardstick: Yardstick | None = None
    notes: str | None = None

    def number(self) -> str:
        """The value and its standard error as text, to the same decimal."""
        if self.standard_error is None:
            return super().number()
        decimals = max(_decimals(self.value), _decimals(self.standard_error))
        return f"{self.value:.{decimals}f} ± {self.standard_error:.{decimals}f}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """What is known of a model, as `records/NAME.json` has it.

    Args:
        name: of the model in the zoo.
        parameters: trainable ones, with the builder's defaults.
        reference: where the model or its numbers come from.
        published: what papers report for it.
        reached: what was measured with this package, the figures of the recipe's own data set first; none of a model
            that was not trained.
        notes: anything else.

    Example:
    >>> import keras_iresnet as ki
    >>> record = ki.zoo.get("mnist_classifier").record
    >>> record.parameters, str(record.published[0]), record.reached
    (4873178, '0.40 % error', ())
    """

    name: str
    parameters: int
    reference: str | None
    published: tuple[Published, ...] = ()
    reached: tuple[Reached, ...] = ()
    notes: str | None = None

    def on(self, dataset: str) -> tuple[Reached, ...]:
        """The figures with a standard error that were reached on one data set.

        Example:
        >>> import keras_iresnet as ki
        >>> [str(figure) for figure in ki.zoo.get("toy_flow").record.on("toy/moons")]
        ['-2.418 ± 0.005 nats']
        """
        return tuple(one for one in self.reached if one.dataset == dataset and one.standard_error is not None)


def read_record(path: str | os.PathLike) -> Record:
    """The record in a JSON file: every field of `Record` and of its figures is there, null where it is not known.

    Raises:
        ValueError: the file holds anything else; the message names it, the field, and what must hold.
        OSError: it cannot be read.

    Example:
    >>> from keras_iresnet.zoo.record import RECORDS, read_record
    >>> read_record(RECORDS / "digits_flow.json").parameters
    178639
    """
    path = pathlib.Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must hold JSON in UTF-8. Received: {error}") from error
    record = _read(content, Record, str(path))
    if record.name != path.stem:
        raise ValueError(f"{path}: `name` must be that of the file, {path.stem}. Received: name={record.name!r}")
    if record.parameters < 1:
        raise ValueError(f"{path}: `parameters` must be at least 1. Received: parameters={record.parameters}")
    return record


def _read(content, kind, where):
    """An instance of the data class `kind`, from what JSON has."""
    hints = typing.get_type_hints(kind)
    if not isinstance(content, dict) or set(content) != set(hints):
        received = sorted(content) if isinstance(content, dict) else content
        raise ValueError(f"{where} must be an object with the fields {', '.join(hints)}. Received: {received!r}")
    return kind(**{name: _value(content[name], hint, f"{where}: `{name}`") for name, hint in hints.items()})


def _value(value: Any, hint, where):
    """`value`, if it is what a type annotation asks for."""
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for member in members:
        if dataclasses.is_dataclass(member) and isinstance(value, dict):
            return _read(value, member, where)
        if typing.get_origin(member) is tuple and isinstance(value, list):
            inner = typing.get_args(member)[0]
            return tuple(_value(one, inner, f"{where}[{i}]") for i, one in enumerate(value))
        if member is float and type(value) is int:
            return float(value)
        if type(value) is member:
            return value
    wanted = " or ".join(_KINDS.get(typing.get_origin(member) or member, "an object") for member in members)
    raise ValueError(f"{where} must be {wanted}. Received: {value!r}")


def _decimals(value):
    """Decimals of a number as it is written."""
    return len(f"{value:.12f}".rstrip("0").partition(".")[2])
