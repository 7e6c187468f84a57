"""Writes a file or a folder so that a reader, also after an interruption, sees the old one or the new one whole."""

import contextlib
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Iterator

import tensorflow as tf

_REASON = re.compile(r"; ([^;\n\[]+)")  # of TensorFlow, which writes: {{node}} PATH; REASON [Op:NAME]


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
        raise OSError(f"{path} could not be written: {reason_of(error)}") from error
    finally:
        tidy_away(temporary)


@contextlib.contextmanager
def replacing_folder(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Give a temporary folder beside `path`, whose files are put there when the body ends well; other files there stay.

    A folder that is new or empty appears whole, or not at all.

    Raises:
        OSError: it cannot be written, by Python or by TensorFlow; the message names `path`.

    Example:
    >>> import pathlib, tempfile
    >>> from keras_iresnet.models.files.replacing import replacing_folder
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "served"
    >>> with replacing_folder(path) as temporary:
    ...     written = (temporary / "notes.txt").write_text("new")
    >>> (path / "notes.txt").read_text()
    'new'
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.part") as made:
            whole = pathlib.Path(made) / "whole"
            whole.mkdir()
            yield whole
            if path.is_dir() and any(path.iterdir()):
                shutil.copytree(whole, path, dirs_exist_ok=True)
                return
            if path.exists():
                path.rmdir()
            os.replace(whole, path)
    except (OSError, tf.errors.OpError) as error:
        raise OSError(f"{path} could not be written: {reason_of(error)}") from error


def reason_of(error: OSError | tf.errors.OpError) -> str:
    """Why something could not be written, in the words of the system where they are to be had."""
    if isinstance(error, tf.errors.OpError):
        found = _REASON.search(error.message)
        return found[1].strip() if found else error.message
    cause = error.__cause__  # of an error that `replacing` has raised for a file in a folder
    return error.strerror or (reason_of(cause) if isinstance(cause, OSError) else str(error))


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
