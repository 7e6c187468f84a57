"""The command that asks for a comparison, whether or not it came from a shell."""

import os
import shlex
from collections.abc import Mapping
from typing import Any


def command_of(dataset: str | os.PathLike, out: str | os.PathLike, options: Mapping[str, Any]) -> str:
    """In the words of a shell; options that are `None` or empty are left out.

    Args:
        dataset: as `compare` takes it.
        out: likewise.
        options: its other arguments, by name.

    Example:
    >>> from keras_iresnet.comparison.command import command_of
    >>> options = {"models": ["nice", "maf"], "steps": None, "seeds": (0, 1), "overrides": {"label": "a class"}}
    >>> command_of("wine.csv", "out", options)
    "keras-iresnet compare wine.csv --models nice,maf --seeds 0,1 --set 'label=a class' --out out"
    """
    words = ["keras-iresnet", "compare", os.fspath(dataset)]
    for name, value in options.items():
        if isinstance(value, Mapping):
            words += [word for field, given in value.items() for word in ("--set", f"{field}={_text(given)}")]
        elif value is not None and value != ():
            words += [f"--{name.replace('_', '-')}", _text(value)]
    return shlex.join([*words, "--out", os.fspath(out)])


def _text(value):
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
