"""Reads a `.keras` file, and says in plain words what is wrong with one that holds no model of this package."""

import os
import pathlib
import zipfile
from typing import Any

import keras

from keras_iresnet.models.base import InvertibleModel


def load_checkpoint(path: str | os.PathLike) -> Any:
    """The model in a `.keras` file, to use rather than to train on; nothing that the file holds is run as code.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is cut short or damaged, no archive of Keras, of another version, or holds another kind of model.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There must be a checkpoint. Received: {str(path)!r}, which is not there")
    model = _load(path)
    if not isinstance(model, InvertibleModel):
        raise ValueError(f"The checkpoint must hold a model of this package. Received: {path}, of a {kind_of(model)}")
    return model


def kind_of(model: Any) -> str:
    """The class of a model, with its module."""
    return f"{type(model).__module__}.{type(model).__name__}"


def _load(path):
    if not zipfile.is_zipfile(path):
        begins = path.read_bytes()[:4] == b"PK\x03\x04"
        what = "it is cut short" if begins else f"it is no archive of Keras ({path.stat().st_size:,} bytes)"
        raise ValueError(f"The checkpoint must be a whole `.keras` file. Received: {path}: {what}")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except MemoryError:
        raise
    except Exception as error:  # what a wrong bit makes of a header: a cipher, a method unknown, an offset nowhere
        raise ValueError(f"The checkpoint must be a whole `.keras` file. Received: {path}: {error}") from error
    if damaged is not None:
        raise ValueError(f"The checkpoint must be a whole `.keras` file. Received: {path}: {damaged} in it is damaged")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except MemoryError:
        raise
    except Exception as error:  # as many as there are readers of a config
        raise ValueError(
            f"The checkpoint must be of a version that this one can read, {keras.__version__} of Keras, and hold no "
            f"code. Received: {path}: {error}"
        ) from error
