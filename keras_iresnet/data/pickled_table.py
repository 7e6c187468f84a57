"""Looks through a pickled table of pandas before pandas unpickles it, which would run whatever the file names."""

import os
import pickle
from typing import Any

# What tables of numbers are made of, in files of all versions of pandas: (package, name).
_MADE_OF = {
    *(("pandas", name) for name in ("DataFrame", "BlockManager", "_unpickle_block", "new_block", "_new_Index")),
    *(("pandas", name) for name in ("Index", "RangeIndex", "Int64Index", "Float64Index", "FloatBlock", "IntBlock")),
    *(("numpy", name) for name in ("_reconstruct", "_frombuffer", "ndarray", "dtype", "scalar")),
    *((module, name) for module in ("builtins", "__builtin__") for name in ("slice", "object")),
    *((module, "_reconstructor") for module in ("copyreg", "copy_reg")),
    ("_codecs", "encode"),
}


def refuse_code(file: str | os.PathLike) -> None:
    """Refuse a pickled file that names anything but what tables of numbers are made of; nothing of it is run.

    Raises:
        ValueError: it does, or is no pickled file.

    Example:
    >>> import pathlib, pickle, tempfile
    >>> from keras_iresnet.data.pickled_table import refuse_code
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "table.pickle"
    >>> _ = file.write_bytes(pickle.dumps(print))
    >>> refuse_code(file)
    Traceback (most recent call last):
    ValueError: ...table.pickle must be a pickled table of numbers. Received: one that names builtins.print
    """
    with open(file, "rb") as content:
        try:
            _Looking(content, encoding="latin1").load()
        except _NamedError as error:
            raise ValueError(f"{file} must be a pickled table of numbers. Received: one that names {error}") from error
        except Exception as error:  # what pickle raises for bytes that are none is not written anywhere
            raise ValueError(f"{file} must be a pickled table of numbers. Received: {error!r}") from error


class _NamedError(Exception):
    """A name that has no business in a table."""


class _Looking(pickle.Unpickler):
    """Puts something inert in the place of all that a file names."""

    def find_class(self, module: str, name: str) -> Any:
        """The inert class, for a name that is known."""
        if (module.split(".")[0], name) not in _MADE_OF:
            raise _NamedError(f"{module}.{name}")
        return _Inert


class _Inert:
    """What can be made of anything, filled and called, and does nothing."""

    def __new__(cls, *_: Any, **__: Any) -> "_Inert":
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def _nothing(self, *_: Any) -> None:
        pass

    __setstate__ = append = extend = __setitem__ = _nothing
