"""Trained models that come with the package: `load` one, `released` names them all."""

import builtins
import json
from typing import Any

from keras_iresnet.models.files.preset import load_preset, released_folder, released_names
from keras_iresnet.zoo.registry import builders, get, list


def released() -> builtins.list[str]:
    """Names of the models whose trained weights come with the package, sorted.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.models.files.preset import RELEASED
    >>> all((RELEASED / name / "model.keras").is_file() for name in ki.zoo.released())
    True
    """
    return released_names()


def released_of(model: str) -> builtins.list[str]:
    """Names of the released models that training this model of the zoo made, sorted.

    Args:
        model: a name of `ki.zoo.list()` or `ki.zoo.builders()`.

    Example:
    >>> from keras_iresnet.zoo.released import released_of
    >>> "toy_flow_8gaussians" in released_of("toy_flow")
    True
    """
    return [name for name in released() if _made_of(name) == model]


def load(name: str) -> Any:
    """A trained model, from the installed package, offline, after its SHA-256 was compared.

    It is not compiled: for more training, `compile` it.

    Args:
        name: one of `released()`; what each is and reached is in zoo/README.md of the repository.

    Raises:
        ValueError: there are no weights of that name; of a model of the zoo, the message has the command that trains
            it. Or the file is damaged.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.load("cifar_flow")
    Traceback (most recent call last):
    ValueError: ...keras-iresnet train cifar_flow --out runs/cifar_flow...
    """
    if name in released():
        return load_preset(name)
    names = ", ".join(released()) or "none so far"
    if name in list() or name in builders():
        data = " --dataset DATA" if get(name).from_data else ""
        raise ValueError(
            f"`name` must be a model whose weights are released ({names}); of this one there are none. Train it: "
            f"keras-iresnet train {name}{data} --out runs/{name} Received: name={name!r}"
        )
    raise ValueError(f"`name` must be a model whose weights are released ({names}). Received: name={name!r}")


def _made_of(name):
    file = released_folder(name) / "config.json"
    return json.loads(file.read_text(encoding="utf-8"))["name"] if file.is_file() else None
