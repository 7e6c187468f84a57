"""A file with all that a run needs to go on: read whole, or refused."""

import hashlib
import io
import json
import os
import pathlib
import re
from typing import Any

import numpy as np

from keras_iresnet.models.files.replacing import replacing

FORMAT_VERSION = 1
_MAGIC = f"keras-iresnet state {FORMAT_VERSION}\n".encode()
_DIGEST = hashlib.sha256().digest_size


class StateRefusedError(ValueError):
    """A file that is no state, or not the one that was written."""


def write_state(path: str | os.PathLike, arrays: dict[str, np.ndarray], facts: dict) -> None:
    """Write arrays and JSON facts, so that an interruption at any moment leaves the file out or complete.

    The layout is a line that names the format, the SHA-256 of the rest, and a NumPy `.npz`.

    Args:
        path: the file.
        arrays: name -> NumPy array.
        facts: what JSON can hold.

    Raises:
        OSError: the file cannot be written; the message names it.
    """
    buffer = io.BytesIO()
    named: dict[str, Any] = {"facts": np.array(json.dumps(facts)), **arrays}
    np.savez(buffer, **named)
    payload = buffer.getbuffer()
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(_MAGIC + hashlib.sha256(payload).digest())
        file.write(payload)


def read_state(path: str | os.PathLike) -> tuple[dict, dict]:
    """Arrays and facts that `write_state` wrote.

    Raises:
        StateRefusedError: the file is something else, or does not match its checksum.
        ValueError: a newer version wrote it, which is no fault of the file.
        OSError: it cannot be read, which says nothing of what it holds.
    """
    content = pathlib.Path(path).read_bytes()
    if (version := _version(content)) is not None and version > FORMAT_VERSION:
        raise ValueError(
            f"A state must have a format version up to {FORMAT_VERSION}: a newer keras_iresnet wrote it, update yours. "
            f"Received: {path}, of version {version}"
        )
    if not content.startswith(_MAGIC):
        raise StateRefusedError("it is no state of training of this package")
    start = len(_MAGIC) + _DIGEST
    payload = memoryview(content)[start:]
    if hashlib.sha256(payload).digest() != content[len(_MAGIC) : start]:
        raise StateRefusedError("its checksum does not match: it is cut short or damaged")
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return arrays, json.loads(str(arrays.pop("facts")))
    except (ValueError, KeyError) as error:  # whole, and not what this package writes
        raise StateRefusedError(f"it holds no arrays of a training: {error}") from error


def _version(content):
    """The version that a file says it has, or `None` where it says nothing of the kind."""
    found = re.match(rb"keras-iresnet state (\d{1,9})\n", content)
    return found and int(found[1])


def as_json(content: Any) -> dict:
    """Content as it comes back from a file: tuples become lists."""
    return json.loads(json.dumps(content))
