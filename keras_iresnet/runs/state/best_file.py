"""Begins a run with the checkpoint of another."""

import os

from keras_iresnet.models.base import InvertibleModel
from keras_iresnet.models.files.model_file import kind_of, load_checkpoint


def begin_with(model: InvertibleModel, path: str | os.PathLike) -> None:
    """Give a new model the weights of a checkpoint of the same architecture.

    Raises:
        ValueError: it is of another architecture, or no checkpoint, see `load_checkpoint`.
    """
    source = load_checkpoint(path)
    ours, theirs = ([tuple(weight.shape) for weight in one.weights] for one in (model, source))
    if type(source) is not type(model) or ours != theirs:
        raise ValueError(
            f"`init_from` must be a run of the same architecture as the new model, a {kind_of(model)} of "
            f"{model.count_params():,} weights. Received: {path}, a {kind_of(source)} of {source.count_params():,}"
        )
    model.set_weights(source.get_weights())
