"""Which kind of files a path leads to, and the examples in them."""

import os

from keras_iresnet.data.own.array_file import ARRAYS, read_arrays
from keras_iresnet.data.own.examples import Examples
from keras_iresnet.data.own.picture_folder import read_pictures
from keras_iresnet.data.own.reading import Reading, file_of
from keras_iresnet.data.own.table_file import TABLES, read_table


def as_path(name: str | os.PathLike) -> str | None:
    """The absolute path that `name` is meant as, or `None` where it can only be a name.

    Meant as a path is what is none of text, ends as data do, has a separator of folders at its end, or is a folder.

    Example:
    >>> from keras_iresnet.data.own import as_path
    >>> as_path("cifar10") is None, as_path("wine.csv").endswith("wine.csv")
    (True, True)
    """
    text = os.fspath(name)
    meant = not isinstance(name, str) or text.endswith((*ARRAYS, *TABLES, "/", os.sep)) or os.path.isdir(text)
    return os.path.abspath(text) if meant else None


def read_examples(
    path: str | os.PathLike, reading: Reading, *, labels: bool = False, like: Examples | None = None
) -> Examples:
    """All examples of a file or folder.

    Args:
        path: of a `.npy`, `.npz`, `.csv` or `.parquet` file, or a folder of pictures.
        reading: how to read it.
        labels: whether classes or conditions are wanted.
        like: examples whose form, classes and columns these must have.

    Raises:
        ValueError: the data cannot be used as they are; the message says why and what to do.
        OSError: a file cannot be read.
    """
    file = file_of(path)
    if file.is_dir():
        return read_pictures(file, reading, labels=labels, like=like)
    if file.suffix in ARRAYS:
        return read_arrays(file, reading, labels=labels, like=like)
    if file.suffix in TABLES:
        return read_table(file, reading, labels=labels, like=like)
    raise ValueError(
        f"The data must be a folder of pictures, or a file that ends in {', '.join((*ARRAYS, *TABLES))}. "
        f"Received: {str(path)!r}"
    )
