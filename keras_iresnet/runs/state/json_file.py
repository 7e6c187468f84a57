"""The files of JSON in a run folder: read whole or refused; settings with a checksum, and fields they must have."""

import hashlib
import json
import pathlib
from collections.abc import Collection, Mapping
from typing import Any

_DIGEST = "sha256"
# Field of config.json -> its type; files of before have not all of them.
_FIELDS = {
    **{"name": str, "recipe": dict, "builder": dict, "overrides": dict, "reading": dict, "fitted": list},
    **{"data": dict, "started": str, "command": str, "versions": dict, "machine": dict, "resumed": list},
}
_NEEDED = ("name", "recipe", "builder")
_OF_RECIPE = {"dataset": str, "seed": int}


def read_settings(path: pathlib.Path, more: Collection[str] = ()) -> dict[str, Any]:
    """The settings in a config.json, after its checksum was compared, where it has one.

    Args:
        path: the file.
        more: fields that it must have beside those that every command needs.

    Raises:
        ValueError: it is damaged, or lacks a field, or one is of another type.
    """
    content = read_fields(path)
    digest = content.pop(_DIGEST, None)  # files of before have none
    if digest not in (None, _digest(content)):
        raise ValueError(
            f"{path} must be as training wrote it: it is damaged, or was changed by hand; without its line "
            f"{_DIGEST} it is taken as it is. Received: {_DIGEST}={digest!r}"
        )
    _check_fields(path, content, (*_NEEDED, *more), _FIELDS)
    _check_fields(path, content["recipe"], tuple(_OF_RECIPE), _OF_RECIPE, of="recipe.")
    return content


def read_fields(path: pathlib.Path) -> dict[str, Any]:
    """The dictionary in a file.

    Raises:
        ValueError: it holds none.
    """
    try:
        content = json.loads(path.read_text())
    except ValueError as error:  # no JSON, or no text at all
        raise ValueError(f"{path} must be whole, as training wrote it. Received: no JSON ({error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold fields and values. Received: a {type(content).__name__}")
    return content


def with_digest(content: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with their checksum."""
    content = {name: value for name, value in content.items() if name != _DIGEST}
    return content | {_DIGEST: _digest(content)}


def _digest(content):
    """Of settings, as they come back from JSON."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _check_fields(path, content, needed, types, of=""):
    if missing := [of + field for field in needed if field not in content]:
        raise ValueError(
            f"{path} must have the fields that training wrote, {', '.join(of + field for field in needed)} among them. "
            f"Received: no {', no '.join(missing)}"
        )
    for field, kind in types.items():
        if field in content and not isinstance(value := content[field], kind):
            raise ValueError(
                f"{path} must have a field {of}{field} of type {kind.__name__}. Received: {of}{field}={value!r}"
            )
