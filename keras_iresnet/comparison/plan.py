"""What a comparison is of: data, budget, sizes. Written once, so that one that was interrupted goes on as it began."""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_iresnet import data, zoo
from keras_iresnet.comparison.contestants import CONTESTANTS, kind_of
from keras_iresnet.comparison.matching import matched_width, parameters_of
from keras_iresnet.models.files.replacing import replacing
from keras_iresnet.runs.field_values import converted
from keras_iresnet.runs.run_data import facts_of
from keras_iresnet.runs.settings import overridable
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.small_data import for_examples

FILE = "plan.json"
DEFAULT_MINUTES = 5.0
DEFAULT_BLOCKS = {"plane": 16, "table": 6, "images": 8}
DEFAULT_TEST_EXAMPLES = {"plane": 10_000, "table": 10_000, "images": 1_000}
_FIELDS = {field.name for owner in (Recipe, data.Reading) for field in dataclasses.fields(owner)}
# Labels are what one may not read as a column; what a density is conditioned on is another matter.
_SHARED = _FIELDS - {"dataset", "seed", "steps", "minutes", "epochs", "target"}
_WIDTHS = {"plane": 64, "table": 64, "images": 32}  # of the i-ResNet, whose parameters the others then match


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a comparison is asked to be, apart from which models and seeds; these may come later.

    Args:
        dataset: name, or absolute path.
        digest: of files of one's own.
        steps: of each training, or `None`.
        minutes: of each training, or `None`.
        parameters: of each model; `None` for as many as an i-ResNet of middling width has.
        blocks: layers of each model, of each scale.
        test_examples: how many of the test split are looked at.
        overrides: fields of recipes, and options of reading files, for all models.
    """

    dataset: str
    digest: str | None
    steps: int | None
    minutes: float | None
    parameters: int | None
    blocks: int
    test_examples: int
    overrides: dict[str, Any]


class Plan:
    """The plan in a folder: begun, or read and held to what is asked now.

    Args:
        out: the folder.
        asked: what is asked.
        splits: the data.

    Raises:
        ValueError: the folder holds a comparison of something else.
    """

    def __init__(self, out: str | os.PathLike, asked: Asked, splits: data.Splits) -> None:
        self.path = pathlib.Path(out) / FILE
        self.asked, self.splits, self.kind = asked, splits, kind_of(splits)
        self._held = {"asked": _as_json(asked), "parameters": None, "models": {}}
        if self.path.is_file():
            self._held = json.loads(self.path.read_text())
            _require_same(self._held["asked"], _as_json(asked), self.path)

    def training(self, name: str, seed: int) -> tuple[str, dict[str, Any]]:
        """The model of the zoo that a contestant is, and the overrides that it is trained with."""
        model, keywords = self._model(name, self._width(name))
        return model, {**keywords, **self._recipe(model, seed), **self._reading()}

    def _model(self, name, width):
        """The model of the zoo, and its builder's keywords."""
        contestant, shape = CONTESTANTS[name], self.splits.event_shape
        keywords = contestant.keywords(self.kind, shape, blocks=self.asked.blocks, width=width)
        return contestant.models[self.kind], keywords

    def write(self) -> None:
        """Write the file, and make the folder; before anything of the comparison is in it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as temporary:
            temporary.write_text(json.dumps(self._held, indent=2) + "\n")

    @property
    def held(self) -> dict[str, Any]:
        """What the file holds: what was asked, and the sizes that were found."""
        return self._held

    def parameters(self, name: str) -> int:
        """How many a trained contestant has."""
        return self._held["models"][name]["parameters"]

    @property
    def recipe(self) -> Recipe:
        """The recipe of all trainings."""
        return recipe_for(self.kind, self.asked, len(self.splits.train))

    def _width(self, name):
        """The width that was found, or is found now and written down."""
        if name not in self._held["models"]:
            if self._held["parameters"] is None:
                self._held["parameters"] = self.asked.parameters or self._count("iresnet", _WIDTHS[self.kind])
            width = matched_width(lambda width: self._count(name, width), self._held["parameters"])
            self._held["models"][name] = {"width": width, "parameters": self._count(name, width)}
            self.write()
        return self._held["models"][name]["width"]

    def _count(self, name, width):
        model, keywords = self._model(name, width)
        entry = zoo.get(model)
        return parameters_of(model, facts_of(self.splits, entry) if entry.from_data else {}, keywords)

    def _recipe(self, model, seed):
        """The fields in which the recipe of this kind of data differs from the model's own."""
        wanted = vars(self.recipe) | {"seed": seed}
        own = vars(zoo.get(model).recipe)
        # What training would fit to the data is said in any case.
        fitted = ("dataset", "batch_size", "warmup_steps", "seed")
        return {field: value for field, value in wanted.items() if field in fitted or value != own[field]}

    def _reading(self):
        known = {field.name for field in dataclasses.fields(data.Reading)}
        return {field: value for field, value in self.asked.overrides.items() if field in known}


def recipe_for(kind: str, asked: Asked, examples: int) -> Recipe:
    """The one recipe by which all models are trained on a kind of data: that of our own flow, within the budget.

    Of tables the patience stays, so that what begins to overfit ends before its time is up.
    """
    recipe = zoo.get({"plane": "toy_flow", "table": "tabular_flow", "images": "image_flow"}[kind]).recipe
    budget = {"epochs": None, "steps": asked.steps, "minutes": asked.minutes, "dataset": asked.dataset}
    fields = {field.name for field in dataclasses.fields(Recipe)}
    chosen = {field: value for field, value in asked.overrides.items() if field in fields}
    fitted = for_examples(dataclasses.replace(recipe, epochs=None), examples)
    if asked.steps is not None:
        fitted = dataclasses.replace(fitted, warmup_steps=min(fitted.warmup_steps, asked.steps // 10))
    return dataclasses.replace(fitted, **(budget | chosen))


def asked_of(
    dataset: str | os.PathLike,
    splits: data.Splits,
    *,
    steps: int | None,
    minutes: float | None,
    parameters: int | None,
    blocks: int | None,
    test_examples: int | None,
    overrides: Mapping[str, Any],
) -> Asked:
    """`Asked`, with defaults for the kind of data.

    Raises:
        ValueError: a number that cannot be.
    """
    numbers = {"parameters": parameters, "blocks": blocks, "test_examples": test_examples, "steps": steps}
    for name, value in (numbers | {"minutes": minutes}).items():
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"`{name}` must be positive. Received: {name}={value}")
    kind = kind_of(splits)
    blocks = DEFAULT_BLOCKS[kind] if blocks is None else blocks
    test_examples = min(test_examples or DEFAULT_TEST_EXAMPLES[kind], len(splits.test))
    if steps is None and minutes is None:
        minutes = DEFAULT_MINUTES
    return Asked(
        dataset=data.path_of(dataset) or str(dataset),
        digest=splits.description.digest,
        steps=steps,
        minutes=minutes,
        parameters=parameters,
        blocks=blocks,
        test_examples=test_examples,
        overrides=dict(overrides),
    )


def checked_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of recipes and of `Reading` with their values, of text or as such.

    Raises:
        ValueError: an unknown field, a value that it cannot have, or what is for the comparison to say.
    """
    known = {field: kinds for field, kinds in overridable("glow").items() if field in _SHARED}
    unknown = sorted(set(overrides) - set(known))
    if unknown:
        raise ValueError(f"What is set for all models must be among {', '.join(known)}. Received: {', '.join(unknown)}")
    return {field: converted(field, value, known[field]) for field, value in overrides.items()}


def _as_json(asked):
    return json.loads(json.dumps(dataclasses.asdict(asked)))


def _require_same(known: dict, asked: dict, path: pathlib.Path) -> None:
    found: Sequence[str] = [
        f"{field}={value!r}, not {known.get(field)!r}" for field, value in asked.items() if value != known.get(field)
    ]
    if found:
        raise ValueError(
            "A comparison goes on with its own settings; models and seeds alone may be added. Choose another `out`. "
            f"Received for {path.parent}: {'; '.join(found)}"
        )
