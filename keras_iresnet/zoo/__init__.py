"""Ready models: `keras_iresnet.zoo.digits_flow()` builds one, `list()` names them all.

Each file holds a builder, whose keywords are the model's sizes, and beside it the recipe that trains it.
"""

import builtins
import dataclasses
from collections.abc import Callable

from keras_iresnet.zoo import digits_flow as _digits_flow
from keras_iresnet.zoo import toy_flow as _toy_flow
from keras_iresnet.zoo.digits_flow import digits_flow
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.toy_flow import toy_flow

__all__ = ["Entry", "Recipe", "digits_flow", "get", "list", "toy_flow"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model of the zoo: the function that builds it and the recipe that trains it.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.get("toy_flow").recipe.optimizer
    'adam'
    """

    builder: Callable
    recipe: Recipe


_ENTRIES = {
    "digits_flow": Entry(digits_flow, _digits_flow.RECIPE),
    "toy_flow": Entry(toy_flow, _toy_flow.RECIPE),
}


def list() -> builtins.list[str]:
    """Names of the models, sorted.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.list()
    ['digits_flow', 'toy_flow']
    """
    return sorted(_ENTRIES)


def get(name: str) -> Entry:
    """The builder and recipe of the model called `name`.

    Raises:
        ValueError: no model has that name; the message lists those there are.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.get("digits_flow").recipe.dataset
    'digits'
    """
    if name not in _ENTRIES:
        raise ValueError(f"`name` must be one of {', '.join(list())}. Received: name={name!r}")
    return _ENTRIES[name]
