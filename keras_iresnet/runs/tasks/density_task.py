"""How a density is trained: on examples alone, reported in bits/dim or nats."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import rich.console

from keras_iresnet import data
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.sample_sheet import draw_samples
from keras_iresnet.runs.tasks.density_figures import check_density_protocol, density_figures
from keras_iresnet.runs.tensorboard import EXAMPLES, Diagnostics, Pictures
from keras_iresnet.zoo.recipe import Recipe

FIRST_LOOK = 1000  # images of the test split that end a run; `evaluate` takes the time for all of them


class DensityTask:
    """A `Flow`, fitted to examples, reported in bits/dim or nats."""

    labels = False  # whether the data come with them

    def metric(self, model: keras.Model) -> str:
        """The log that training shows and whose validation value chooses the best checkpoint, small is better."""
        return "nats" if model.bins is None else "bits_per_dim"

    def check_fit(self, model: keras.Model, splits: data.Splits) -> None:
        """Refuse a data set whose examples are not the model's."""
        check_examples(model, splits)

    def best(self, model: keras.Model, value: float) -> dict[str, float]:
        """What metrics.json says of the best checkpoint's validation."""
        if model.bins is None:
            return {"best_validation_log_likelihood_nats": -value}
        return {"best_validation_bits_per_dim": value}

    def callbacks(self, recipe: Recipe, splits: data.Splits, writer: Any) -> list[keras.callbacks.Callback]:
        """What watches the training beside the history: pictures and diagnostics of held-out examples."""
        examples = next(iter(splits.validation.batch(EXAMPLES))).numpy()
        watching = [] if splits.bins is None else [Pictures(writer, examples)]
        return watching + ([Diagnostics(writer, examples)] if recipe.diagnostics else [])

    def complete(self, model: keras.Model, splits: data.Splits, run: RunFolder, shown: rich.console.Console) -> None:
        """A density is complete when its training has ended."""

    def check_protocol(self, protocol: Mapping[str, Any], *, points: bool) -> None:
        """Refuse options of `figures` that cannot be, before there is a model; `points`: the data are no images."""
        check_density_protocol(protocol, points=points)

    def figures(
        self, model: keras.Model, splits: data.Splits, split: str, *, seed: int, progress: bool, **protocol: Any
    ) -> dict[str, Any]:
        """What metrics.json says of a split; `protocol` as for `evaluate_bits_per_dim`."""
        return density_figures(model, splits, split, seed=seed, progress=progress, **protocol)

    def final_figures(self, model: keras.Model, splits: data.Splits, *, seed: int, progress: bool) -> dict[str, Any]:
        """The figures that end a run; of images a first look, at some of them, once."""
        if splits.bins is None:
            return self.figures(model, splits, "test", seed=seed, progress=progress)
        splits = dataclasses.replace(splits, test=splits.test.take(FIRST_LOOK))
        return self.figures(model, splits, "test", seed=seed, progress=progress, max_passes=1)

    def draw(self, model: keras.Model, splits: data.Splits, run: RunFolder, *, seed: int) -> None:
        """The pictures that end a run: samples."""
        draw_samples(model, splits, run.samples, seed=seed, on_failure="warn")


def check_examples(model: keras.Model, splits: data.Splits) -> None:
    """Refuse a data set of another shape of examples, or of another number of bins."""
    if (model.event_shape, model.bins) != (splits.event_shape, splits.bins):
        raise ValueError(
            f"`dataset` must hold examples of shape {model.event_shape} with bins={model.bins} for this model. "
            f"Received: dataset={splits.name!r}, of shape {splits.event_shape} with bins={splits.bins}"
        )
