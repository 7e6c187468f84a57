"""Writes a file so that a reader, and whoever comes after an interruption, sees the old one or the new one whole."""

import contextlib
import os
import pathlib
from collections.abc import Iterator


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Give a temporary path beside `path`, which takes its place when the body ends well and all is on the disk.

    Raises:
        OSError: it cannot be written; the message names `path`.

    Example:
    >>> import pathlib, tempfile
    >>> from keras_iresnet.models.files.replacing import replacing
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "notes.txt"
    >>> with replacing(path) as temporary:
    ...     written = temporary.write_text("new")
    >>> path.read_text()
    'new'
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield temporary
        to_disk(temporary)
        os.replace(temporary, path)
        to_disk(path.parent)
    except OSError as error:
        raise OSError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        tidy_away(temporary)


def tidy_away(path: pathlib.Path) -> None:
    """Delete a file that is of no more use, if that can be done: where it cannot, something else has failed before."""
    with contextlib.suppress(OSError):
        path.unlink()


def to_disk(path: pathlib.Path) -> None:
    """Wait until a file, or a folder's list of names, has left the system's cache."""
    if os.name != "posix":  # elsewhere no folder can be opened, nor a file synchronised that is open for reading
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
