"""The line that ends a file of weights: its format's version, and a checksum of all before it.

HDF5 looks at nothing behind its own end, so that Keras alone reads such a file too.
"""

import hashlib
import os
import pathlib

FORMAT_VERSION = 1
ENDING = ".weights.h5"
_MARK = b"keras-iresnet weights "
_LENGTH = len(_MARK) + len("0001 ") + 2 * hashlib.sha256().digest_size + 1


def sealed(content: bytes) -> bytes:
    """The content of a file, with the line."""
    return content + _MARK + f"{FORMAT_VERSION:04d} {hashlib.sha256(content).hexdigest()}\n".encode()


def check_sealed(path: str | os.PathLike) -> None:
    """Refuse a file that is not as it was sealed; one without the line, of before or of Keras alone, passes.

    Raises:
        ValueError: it was damaged, or a newer version wrote it.
        OSError: it cannot be read.
    """
    content = memoryview(pathlib.Path(path).read_bytes())
    line = bytes(content[-_LENGTH:])
    if not line.startswith(_MARK):
        return
    version, _, digest = line.removeprefix(_MARK).decode("ascii", "replace").strip().partition(" ")
    if digest != hashlib.sha256(content[:-_LENGTH]).hexdigest():
        raise ValueError(f"The weights must be as they were saved. Received: {path}, damaged: its checksum differs")
    if version != f"{FORMAT_VERSION:04d}":
        raise ValueError(
            f"The weights must have a format version up to {FORMAT_VERSION}: a newer keras_iresnet wrote them, update "
            f"yours. Received: {path}, of version {version.lstrip('0')}"
        )
