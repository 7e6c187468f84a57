"""What a report keeps of an exhibit: its entry as JSON, which has the SHA-256 of itself and of its pictures and arrays.

A folder of before may have been written by a process that was killed, on a disk that was full, or changed since: an
entry that is not what was written, or whose files are not, is none, and its exhibit is made anew.
"""

import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from keras_iresnet.models.files.preset import file_digest
from keras_iresnet.runs.run_folder import replacing

ARRAYS, PICTURES, ENTRIES = "arrays", "pictures", "entries"
_DIGEST, _FILES = "sha256", "files"


def files_of(entry: Mapping[str, Any], out: pathlib.Path) -> list[pathlib.Path]:
    """Arrays and pictures of an entry, with those of its sliders; none of one that is not there yet."""
    frames = [frame for slider in entry.get("sliders", ()) for frame in slider["frames"].values()]
    pictures = [out / PICTURES / picture["file"] for picture in [*entry.get("pictures", ()), *frames]]
    return [out / ARRAYS / entry["arrays"], *pictures] if "arrays" in entry else []


def write_entry(entry: Mapping[str, Any], out: pathlib.Path) -> None:
    """Keep an entry, once its files are on the disk.

    Args:
        entry: what the page says of an exhibit, by `name`.
        out: folder of the report.
    """
    found = {file.relative_to(out).as_posix(): file_digest(file) for file in files_of(entry, out)}
    whole = {**entry, _FILES: found}
    with replacing(_file(entry["name"], out)) as temporary:
        temporary.write_text(json.dumps({**whole, _DIGEST: _digest(whole)}, indent=1) + "\n", encoding="utf-8")


def read_entry(name: str, out: pathlib.Path) -> dict[str, Any] | None:
    """The entry of an exhibit as it was written; `None` where there is none, or where it or a file of it is another."""
    try:
        content = json.loads(_file(name, out).read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.pop(_DIGEST, None) != _digest(content):
            return None
        same = all(file_digest(out / path) == digest for path, digest in content.pop(_FILES).items())
    except (OSError, ValueError):
        return None
    return content if same else None


def _file(name, out):
    return out / ENTRIES / f"{name}.json"


def _digest(content):
    """Of an entry, as it comes back from JSON."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
