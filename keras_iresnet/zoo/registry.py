"""The models that are known by name: `register` adds one, `get` finds it, `list` names them all."""

import builtins
import dataclasses
import inspect
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.record import RECORDS, Record, read_record

Builder = TypeVar("Builder", bound=Callable[..., Any])

TASKS = ("density", "classification", "hybrid")
# What a data set may decide.
FACTS = ("event_shape", "features", "bins", "classes", "num_classes", "condition_size", "positive", "bounds")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model of the zoo.

    Args:
        name: that of its builder.
        builder: the function that builds it, whose keywords are its sizes.
        recipe: how it is trained.
        task: what it is trained for, one of `TASKS`.
        record: what it reached and what was published, or `None` where no file says so.
        from_data: arguments of the builder that the data set decides, among `FACTS`.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.get("toy_flow").recipe.optimizer
    'adam'
    >>> ki.zoo.get("digits_classifier").task
    'classification'
    """

    name: str
    builder: Callable[..., Any]
    recipe: Recipe
    task: str
    record: Record | None
    from_data: tuple[str, ...] = ()


_entries: dict[str, Entry] = {}


def register(
    recipe: Recipe, *, task: str = "density", records: str | os.PathLike = RECORDS, from_data: Sequence[str] = ()
) -> Callable[[Builder], Builder]:
    """Decorator that adds a builder to the zoo, under its own name.

    Once the module that has it is imported, `get`, `list` and training know the model as any other.

    Args:
        recipe: how it is trained.
        task: `"density"` for a `Flow`, `"classification"` for a `Classifier`, `"hybrid"` for both in one.
        records: folder whose file `NAME.json`, if there is one, is the model's record, see `read_record`.
        from_data: arguments of the builder that the data set decides, among `FACTS`: they need no default, and training
            fills them in. A model that has any is in `builders()` rather than in `list()`.

    Returns:
        A function that returns the builder as it is.

    Raises:
        ValueError: the name is taken, there is no such task or fact, the record is none, or the builder has an argument
            without a default, or one of a recipe's field with another default than the recipe has.

    Example:
    >>> import dataclasses
    >>> import keras_iresnet as ki
    >>> recipe = dataclasses.replace(ki.zoo.get("digits_flow").recipe, epochs=5)
    >>> @ki.zoo.register(recipe)
    ... def my_digits_flow(*, blocks: tuple[int, ...] = (2, 2), seed: int | None = None) -> ki.Flow:
    ...     return ki.zoo.image_flow((8, 8, 1), bins=17, blocks=blocks, channels=16, seed=seed)
    >>> ki.zoo.get("my_digits_flow").builder(blocks=(1,)).event_shape
    (8, 8, 1)
    """
    if task not in TASKS:
        raise ValueError(f"`task` must be one of {', '.join(TASKS)}. Received: task={task!r}")
    if not set(from_data) <= set(FACTS):
        raise ValueError(f"`from_data` must be among {', '.join(FACTS)}. Received: from_data={tuple(from_data)}")

    def add(builder: Builder) -> Builder:
        name = builder.__name__
        if name in _entries:
            raise ValueError(f"A builder's name must be free; the zoo has another such model. Received: name={name!r}")
        _check_arguments(name, builder, recipe, from_data)
        file = pathlib.Path(records) / f"{name}.json"
        record = read_record(file) if file.is_file() else None
        _entries[name] = Entry(name, builder, recipe, task, record, tuple(from_data))
        return builder

    return add


def list() -> builtins.list[str]:
    """Names of the models that are ready to be built, sorted.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.list()[:3]
    ['cifar100_classifier', 'cifar100_classifier_small', 'cifar10_classifier']
    """
    return sorted(name for name, entry in _entries.items() if not entry.from_data)


def builders() -> builtins.list[str]:
    """Names of the models that take their shape from the data they are trained on, sorted.

    Example:
    >>> import keras_iresnet as ki
    >>> "image_flow" in ki.zoo.builders()
    True
    """
    return sorted(name for name, entry in _entries.items() if entry.from_data)


def get(name: str) -> Entry:
    """The builder, the recipe and the record of the model called `name`.

    Raises:
        ValueError: no model has that name; the message lists those there are.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.get("digits_flow").recipe.dataset
    'digits'
    """
    if name not in _entries:
        raise ValueError(
            f"`name` must be one of {', '.join(list())}, or, for data of one's own, {', '.join(builders())}. "
            f"Received: name={name!r}"
        )
    return _entries[name]


def _check_arguments(name, builder, recipe, from_data):
    """Every other argument is an option of training, so it has a default, which does not contradict the recipe."""
    for argument, parameter in inspect.signature(builder).parameters.items():
        if argument in from_data:
            continue
        if parameter.default is parameter.empty:
            raise ValueError(f"Every argument of a builder must have a default. Received: {argument} of {name}")
        # The recipe's seed is that of a run; a builder without one draws its weights as Keras does.
        if argument != "seed" and getattr(recipe, argument, parameter.default) != parameter.default:
            raise ValueError(
                f"`{argument}` must have one default in recipe and builder. Received: "
                f"{getattr(recipe, argument)!r} and {parameter.default!r} for {name}"
            )
