"""Builders that are sizes of another builder: the same keywords, with defaults of their own."""

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

Model = TypeVar("Model")


def variant_of(
    base: Callable[..., Any], fixed: Sequence[str], defaults: Mapping[str, Any]
) -> Callable[[Callable[..., Model]], Callable[..., Model]]:
    """Decorator of a builder `(**keywords)` that hands its keywords on to `base`.

    The builder gets the signature, the annotations and the documented arguments of `base`, and is called with
    `defaults` where the user says nothing. What else its docstring says follows the arguments.

    Args:
        base: the builder that does the work.
        fixed: arguments of `base` that the builder sets and the user cannot change.
        defaults: keywords of `base` with another default.

    Raises:
        TypeError: the builder was called with what is none of its keywords; the message names it.
    """
    parameters = [
        parameter.replace(default=defaults.get(parameter.name, parameter.default), kind=parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(base).parameters.values()
        if parameter.name not in fixed
    ]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        returned = function.__annotations__["return"]
        signature = inspect.Signature(parameters, return_annotation=returned)

        @functools.wraps(function)
        def build(**keywords):
            signature.bind(**keywords)  # refuses what is no keyword of this builder, by its name
            return function(**{**defaults, **keywords})

        builder: Any = build  # a function has more attributes than its type says
        builder.__signature__ = signature
        builder.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": returned}
        builder.__doc__ = _docstring(function, base, fixed)
        builder.base = base
        return builder

    return decorate


def _docstring(function, base, fixed):
    """The function's own, with the arguments of `base` after its first line."""
    summary, _, rest = (inspect.getdoc(function) or "").partition("\n")
    arguments = (inspect.getdoc(base) or "").partition("\nArgs:\n")[2].partition("\n\n")[0]
    described = re.split(r"\n(?=    \w)", arguments)  # lines that go on are indented deeper
    known = [one for one in described if one.strip().partition(":")[0] not in fixed]
    see = f"Raises:\n    ValueError: as `{base.__name__}`, of which this is a size."
    return "\n".join([summary, "", "Args:", *known, "", see, "", rest.strip()])
