"""A setting's value as text, and text as the value that a field's type makes of it."""

import numbers
import types
import typing
from typing import Any

_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


_PLAIN = (types.NoneType, bool, int, float, str, tuple, list)


class Names(tuple[str, ...]):
    """Names, such as those of columns, which a command separates by commas."""


def kinds_of(hint: Any, default: Any = None) -> tuple[type, ...]:
    """The plain types that a field takes, from its annotation, else from its default."""
    if hint is None:
        return (type(default),)
    members = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    kinds = (Names if member == tuple[str, ...] else typing.get_origin(member) or member for member in members)
    return tuple(kind for kind in kinds if issubclass(kind, _PLAIN))  # what text cannot say is for Python alone


def converted(field: str, value: Any, kinds: tuple[type, ...]) -> Any:
    """`value`, or the value its text stands for, in the first of `kinds` that takes it.

    Raises:
        ValueError: none does.

    Example:
    >>> from keras_iresnet.runs.field_values import converted
    >>> converted("blocks", "8,8", (int, tuple)), converted("minutes", "none", (float, type(None)))
    ((8, 8), None)
    """
    for kind in sorted(kinds, key=lambda kind: kind is not types.NoneType):  # "none" is text too
        try:
            return _parse(value, kind) if isinstance(value, str) else _accept(value, kind)
        except (ValueError, TypeError):
            continue
    wanted = " or ".join("none" if kind is types.NoneType else kind.__name__.lower() for kind in kinds)
    raise ValueError(f"`{field}` must be of type {wanted}. Received: {field}={value!r}")


def _parse(text, kind):
    if kind is types.NoneType:
        return _only({"none": None}, text)
    if kind is bool:
        return _only(_FLAGS, text)
    if kind is Names:
        return tuple(text.split(",")) if text else ()
    if kind in (tuple, list):
        return tuple(int(part) for part in text.split(",")) if text else ()
    return kind(text)


def option(field: str) -> str:
    """A field's name as a command spells it: `learning-rate`."""
    return field.replace("_", "-")


def as_text(value: Any) -> str:
    """A field's value as a command spells it, which `resolve` reads: `8,8`, `none`."""
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _only(meanings, text):
    if text.lower() not in meanings:
        raise ValueError(text)
    return meanings[text.lower()]


def _accept(value, kind):
    if kind in (tuple, list, Names) and isinstance(value, (tuple, list)):
        return tuple(_of(value, (str, int, float) if kind is Names else numbers.Integral))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(value)
    return value


def _of(parts, kind):
    """What a tuple holds, which is what its text could say."""
    if strange := [part for part in parts if not isinstance(part, kind) or isinstance(part, bool)]:
        raise TypeError(strange)
    return parts
