"""What a run is made of: a model's recipe and its builder's keywords, each field open to an override."""

import dataclasses
import inspect
import math
import os
import typing
from collections.abc import Mapping
from typing import Any

import keras

from keras_iresnet import data, zoo
from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.data.augmentation import check_augmentation
from keras_iresnet.evaluation.certification import ACTIONS
from keras_iresnet.layers import BranchBlock
from keras_iresnet.optimizers import OPTIMIZERS
from keras_iresnet.runs.field_values import as_text, converted, kinds_of, option
from keras_iresnet.runs.run_data import facts_of, load_data
from keras_iresnet.zoo.small_data import for_examples

DECAYS = ("constant", "cosine", "drop")
PRECISIONS = ("float32", "mixed_bfloat16", "float64")
BOUNDS = ("epochs", "steps", "minutes")  # what may end a run
_COUNTS = (  # or `None`
    *("epochs", "steps", "patience", "steps_per_epoch", "validation_examples", "initialization_batch"),
    "certify_epochs",
)
# Fields that have an effect only where another has a certain value.
_DEPENDENT = {
    "momentum": ("optimizer", "sgd"),
    "nesterov": ("optimizer", "sgd"),
    "drop_factor": ("decay", "drop"),
    "drop_epochs": ("decay", "drop"),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """A run's resolved settings.

    Args:
        name: the model's name in the zoo.
        recipe: its recipe, overrides applied.
        keywords: every keyword of its builder, overrides applied.
        overrides: the fields that were set apart from their defaults.
        reading: how files of one's own are read.
        fitted: the fields that the data decided.
    """

    name: str
    recipe: zoo.Recipe
    keywords: dict
    overrides: dict
    reading: data.Reading = dataclasses.field(default_factory=data.Reading)
    fitted: tuple[str, ...] = ()

    def fitted_to(self, splits: data.Splits) -> "Settings":
        """These settings with what the data decide: the builder's shape, and the recipe for so many examples.

        Raises:
            ValueError: the builder needs what these data have not.
        """
        entry = zoo.get(self.name)
        if not entry.from_data:
            return self
        scaled = vars(for_examples(self.recipe, len(splits.train)))
        changed = {
            field: value
            for field, value in scaled.items()
            if field not in self.overrides and value != getattr(self.recipe, field)
        }
        facts = facts_of(splits, entry)
        recipe = dataclasses.replace(self.recipe, **changed)
        return dataclasses.replace(
            self, recipe=recipe, keywords=self.keywords | facts, fitted=tuple(sorted(changed | facts))
        )

    def load(self, data_dir: str | os.PathLike | None, *, labels: bool) -> data.Splits:
        """The data of the run; raises what `load_data` does."""
        return load_data(vars(self.recipe), self.reading.given(), data_dir=data_dir, labels=labels)

    def build(self) -> Any:
        """The untrained model, in the recipe's precision.

        Raises:
            ValueError: the builder refuses a keyword, or `remat` would have no effect.
        """
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.recipe.precision)
        try:
            model = zoo.get(self.name).builder(**self.keywords)
        finally:
            keras.config.set_dtype_policy(policy)
        blocks = [layer for layer in layers_in(model) if isinstance(layer, BranchBlock)]
        blocks = [block for block in blocks if hasattr(block.branch, "as_map")]
        if self.recipe.remat and not blocks:
            raise ValueError(
                f"`remat` must be false for {self.name} as it is: no block can do it. Received: remat=True"
            )
        for block in blocks:
            block.remat = self.recipe.remat
        return model

    def recipe_fields(self) -> dict:
        """The recipe's settings."""
        return dict(vars(self.recipe))

    def options(self) -> list[str]:
        """The overrides as the words of a command: `["--epochs", "1"]`."""
        return [word for field, value in self.overrides.items() for word in (f"--{option(field)}", as_text(value))]


def resolve(name: str, overrides: Mapping | None = None) -> Settings:
    """Merge a model's recipe and its builder's defaults with overrides.

    A field that recipe and builder share, such as `seed`, has one value: the override, else the recipe's.

    Args:
        name: a name of `zoo.list()`.
        overrides: field of the recipe or keyword of the builder -> value, either as such or as text: `"8"`,
            `"0.01"`, `"true"`, `"8,8"` for a tuple, `"none"`.

    Raises:
        ValueError: unknown model or field (the message lists the known ones), or a value that the field cannot take.

    Example:
    >>> from keras_iresnet.runs import resolve
    >>> settings = resolve("digits_flow", {"epochs": "1", "learning_rate": 0.01})
    >>> settings.recipe.epochs, settings.recipe.learning_rate, settings.recipe.dataset
    (1, 0.01, 'digits')
    """
    entry = zoo.get(name)
    recipe_fields, keyword_fields = _fields_of(entry.recipe), _keyword_fields(entry)
    reading_fields = _fields_of(data.Reading())
    known = keyword_fields | reading_fields | recipe_fields
    overrides = dict(overrides or {})
    unknown = sorted(set(overrides) - set(known))
    if unknown:
        raise ValueError(f"A field of {name} must be one of {', '.join(sorted(known))}. Received: {', '.join(unknown)}")
    values = {field: converted(field, value, known[field][1]) for field, value in overrides.items()}
    if "dataset" in values:  # a path is read again from other working directories
        values["dataset"] = data.path_of(values["dataset"]) or values["dataset"]
    reading = data.Reading(**{k: v for k, v in values.items() if k in reading_fields})
    values |= {k: getattr(reading, k) for k in values if k in reading_fields}
    recipe = dataclasses.replace(entry.recipe, **{k: v for k, v in values.items() if k in recipe_fields})
    _check(recipe)
    _check_effect(recipe, values)
    shared = {field: getattr(recipe, field) for field in keyword_fields if field in recipe_fields}
    keywords = {field: default for field, (default, _) in keyword_fields.items()} | shared
    keywords |= {k: v for k, v in values.items() if k in keyword_fields}
    if reading.target and "conditional" in keywords:
        keywords["conditional"] = True
    return Settings(name, recipe, keywords, values, reading)


def overridable(name: str) -> dict[str, tuple[type, ...]]:
    """The fields that `resolve` takes for the model called `name`, and the plain types of each; see `fields`."""
    entry = zoo.get(name)
    recipe_fields = _fields_of(entry.recipe)
    # The recipe's come first, and what is a builder's too is the recipe's.
    known = recipe_fields | _keyword_fields(entry) | _fields_of(data.Reading()) | recipe_fields
    return {field: kinds for field, (_, kinds) in known.items()}


def _fields_of(held):
    """Field -> (value, type) of a recipe or a reading: what may be overridden."""
    hints = typing.get_type_hints(type(held))
    return {field.name: (getattr(held, field.name), kinds_of(hints[field.name])) for field in dataclasses.fields(held)}


def _keyword_fields(entry):
    hints = typing.get_type_hints(entry.builder)
    return {
        name: (parameter.default, kinds_of(hints.get(name), parameter.default))
        for name, parameter in inspect.signature(entry.builder).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD and name not in entry.from_data
    }


def _check(recipe):
    """Refuse numbers that no run can have, before any work starts."""
    _check_bounds(recipe)
    for field in ("batch_size", "accumulation_steps", "log_steps"):
        _require(getattr(recipe, field) >= 1, recipe, field, "at least 1")
    check_augmentation(recipe.augmentation)
    _require(recipe.precision in PRECISIONS, recipe, "precision", f"one of {', '.join(PRECISIONS)}")
    _require(recipe.certify_action in ACTIONS, recipe, "certify_action", f"one of {', '.join(ACTIONS)}")
    _check_optimizer(recipe)
    _check_schedule(recipe)
    _require(recipe.ema_momentum is None or 0 < recipe.ema_momentum < 1, recipe, "ema_momentum", "in (0, 1), or none")


def _check_bounds(recipe):
    for field in _COUNTS:
        value = getattr(recipe, field)
        _require(value is None or value >= 1, recipe, field, "at least 1, or none")
    minutes = recipe.minutes
    _require(minutes is None or 0 < minutes < math.inf, recipe, "minutes", "positive and finite, or none")
    if all(getattr(recipe, field) is None for field in BOUNDS):
        raise ValueError("`epochs`, `steps` or `minutes` must end the run. Received: epochs=steps=minutes=None")


def _check_optimizer(recipe):
    _require(recipe.optimizer in OPTIMIZERS, recipe, "optimizer", f"one of {', '.join(OPTIMIZERS)}")
    _require(0 < recipe.learning_rate < math.inf, recipe, "learning_rate", "positive and finite")
    _require(0 <= recipe.momentum < 1, recipe, "momentum", "in [0, 1)")
    _require(not recipe.nesterov or recipe.momentum > 0, recipe, "nesterov", "false where momentum is 0")
    _require(0 <= recipe.weight_decay < math.inf, recipe, "weight_decay", "at least 0 and finite")
    _require(recipe.clip_norm is None or recipe.clip_norm > 0, recipe, "clip_norm", "positive, or none")


def _check_schedule(recipe):
    _require(recipe.warmup_steps >= 0, recipe, "warmup_steps", "at least 0")
    _require(0 <= recipe.warmup_epochs < math.inf, recipe, "warmup_epochs", "at least 0 and finite")
    _require(recipe.decay in DECAYS, recipe, "decay", f"one of {', '.join(DECAYS)}")
    _require(0 < recipe.drop_factor < 1, recipe, "drop_factor", "in (0, 1)")
    rising = all(a < b for a, b in zip((0, *recipe.drop_epochs), recipe.drop_epochs, strict=False))
    _require(rising, recipe, "drop_epochs", "rising numbers of at least 1")
    _require(recipe.decay != "drop" or recipe.drop_epochs, recipe, "drop_epochs", "given where decay is drop")


def _check_effect(recipe, overrides):
    """Refuse an override that would change nothing."""
    for field, (other, value) in _DEPENDENT.items():
        if field in overrides and getattr(recipe, other) != value:
            raise ValueError(
                f"`{field}` must go with {other}={value}: it has no effect otherwise. "
                f"Received: {field}={overrides[field]!r}, {other}={getattr(recipe, other)!r}"
            )


def _require(holds, recipe, field, what):
    if not holds:
        raise ValueError(f"`{field}` must be {what}. Received: {field}={getattr(recipe, field)!r}")
