"""Reads the checkpoint of a run, and says in plain words what is wrong with a file that is none."""

import os
import pathlib
import zipfile
from typing import Any

import keras

from keras_iresnet.models.base import InvertibleModel


def load_checkpoint(path: str | os.PathLike) -> Any:
    """The model in a `.keras` file, to use rather than to train on.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is cut short or damaged, no archive of Keras, of another version, or holds another kind of model.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There must be a checkpoint. Received: {str(path)!r}, which is not there")
    model = _load(path)
    if not isinstance(model, InvertibleModel):
        raise ValueError(f"The checkpoint must hold a model of this package. Received: {path}, of a {_kind(model)}")
    return model


def begin_with(model: InvertibleModel, path: str | os.PathLike) -> None:
    """Give a new model the weights of a checkpoint of the same architecture.

    Raises:
        ValueError: it is of another architecture, or no checkpoint, see `load_checkpoint`.
    """
    source = load_checkpoint(path)
    ours, theirs = ([tuple(weight.shape) for weight in one.weights] for one in (model, source))
    if type(source) is not type(model) or ours != theirs:
        raise ValueError(
            f"`init_from` must be a run of the same architecture as the new model, a {_kind(model)} of "
            f"{model.count_params():,} weights. Received: {path}, a {_kind(source)} of {source.count_params():,}"
        )
    model.set_weights(source.get_weights())


def _load(path):
    if not zipfile.is_zipfile(path):
        begins = path.read_bytes()[:4] == b"PK\x03\x04"
        what = "it is cut short" if begins else f"it is no archive of Keras ({path.stat().st_size:,} bytes)"
        raise ValueError(f"The checkpoint must be a whole `.keras` file. Received: {path}: {what}")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is None:
            return keras.saving.load_model(path, compile=False)
    except zipfile.BadZipFile as error:
        raise ValueError(f"The checkpoint must be a whole `.keras` file. Received: {path}: {error}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"The checkpoint must be of a version that this one can read, {keras.__version__} of Keras. "
            f"Received: {path}: {error}"
        ) from error
    raise ValueError(f"The checkpoint must be a whole `.keras` file. Received: {path}: {damaged} in it is damaged")


def _kind(model):
    return f"{type(model).__module__}.{type(model).__name__}"
