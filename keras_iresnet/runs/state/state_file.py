"""A file with all that a run needs to go on: read whole, or refused."""

import hashlib
import io
import json
import os
import pathlib
from typing import Any

import numpy as np

from keras_iresnet.runs.run_folder import replacing

_MAGIC = b"keras-iresnet state 1\n"
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
        OSError: it cannot be read, which says nothing of what it holds.
    """
    content = pathlib.Path(path).read_bytes()
    if not content.startswith(_MAGIC):
        raise StateRefusedError("it is no state of training of this package")
    start = len(_MAGIC) + _DIGEST
    payload = memoryview(content)[start:]
    if hashlib.sha256(payload).digest() != content[len(_MAGIC) : start]:
        raise StateRefusedError("its checksum does not match: it is cut short or damaged")
    with np.load(io.BytesIO(payload)) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return arrays, json.loads(str(arrays.pop("facts")))


def as_json(content: Any) -> dict:
    """Content as it comes back from a file: tuples become lists."""
    return json.loads(json.dumps(content))
