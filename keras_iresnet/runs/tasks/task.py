"""What a training must be able to ask of what its model is trained for."""

from collections.abc import Mapping
from typing import Any, Protocol

import keras
import rich.console

from keras_iresnet import data
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.zoo.recipe import Recipe


class Task(Protocol):
    """A density, a classifier, or both: what they do not share in a training; `DensityTask` says what each method does.

    Attributes:
        labels: whether the data come with labels.
    """

    labels: bool

    def metric(self, model: Any) -> str:
        """The log that training shows and whose validation value chooses the best checkpoint, small is better."""

    def check_fit(self, model: Any, splits: data.Splits) -> None:
        """Refuse a data set whose examples are not the model's."""

    def best(self, model: Any, value: float) -> dict[str, float]:
        """What metrics.json says of the best checkpoint's validation."""

    def callbacks(self, recipe: Recipe, splits: data.Splits, writer: Any) -> list[keras.callbacks.Callback]:
        """What watches the training beside the history."""

    def complete(self, model: Any, splits: data.Splits, run: RunFolder, shown: rich.console.Console) -> None:
        """What is left to do to a model when its training has ended."""

    def check_protocol(self, protocol: Mapping[str, Any], *, points: bool) -> None:
        """Refuse options of `figures` that cannot be, before there is a model; `points`: the data are no images."""

    def figures(
        self, model: Any, splits: data.Splits, split: str, *, seed: int, progress: bool, **protocol: Any
    ) -> dict[str, Any]:
        """What metrics.json says of a split."""

    def final_figures(self, model: Any, splits: data.Splits, *, seed: int, progress: bool) -> dict[str, Any]:
        """The figures that end a run."""

    def draw(self, model: Any, splits: data.Splits, run: RunFolder, *, seed: int) -> None:
        """The pictures that end a run."""
