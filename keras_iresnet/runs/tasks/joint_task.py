"""How a density and a classifier on one backbone are trained together."""

import dataclasses
from typing import Any

import keras
import rich.console

from keras_iresnet import data
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.tasks.classification_task import LabelledTask, errors
from keras_iresnet.runs.tasks.density_task import FIRST_LOOK, DensityTask
from keras_iresnet.runs.tensorboard import EXAMPLES, Pictures
from keras_iresnet.zoo.recipe import Recipe


class HybridTask(LabelledTask, DensityTask):
    """A `Hybrid`, fitted to labelled images, reported in both."""

    monitored = "loss"  # of both together

    def callbacks(self, recipe: Recipe, splits: data.Splits, writer: Any) -> list[keras.callbacks.Callback]:
        """As for a density."""
        images, _ = next(iter(splits.validation.batch(EXAMPLES)))
        return [Pictures(writer, images.numpy()), *super().callbacks(recipe, splits, writer)]

    def complete(self, model: keras.Model, splits: data.Splits, run: RunFolder, shown: rich.console.Console) -> None:
        """Calibrate the model, and its best checkpoint with it, on images that it was trained on."""
        images, _ = next(iter(splits.train.batch(FIRST_LOOK)))
        model.calibrate(images.numpy())
        run.save(run.best, model)

    def figures(
        self, model: keras.Model, splits: data.Splits, split: str, *, seed: int, progress: bool, **protocol: Any
    ) -> dict[str, Any]:
        """Bits/dim, error and loss of a split."""
        bits = self._bits(model, splits, split, seed=seed, progress=progress, **protocol)
        return bits | errors(model, getattr(splits, split), split, progress)

    def final_figures(self, model: keras.Model, splits: data.Splits, *, seed: int, progress: bool) -> dict[str, Any]:
        """Bits/dim as of a density, at a first look; error and loss of all images, of the training split too."""
        looked_at = dataclasses.replace(splits, test=splits.test.take(FIRST_LOOK))
        bits = self._bits(model, looked_at, "test", seed=seed, progress=progress, max_passes=1)
        found = [errors(model, getattr(splits, split), split, progress) for split in ("train", "test")]
        return bits | found[0] | found[1]

    def draw(self, model: keras.Model, splits: data.Splits, run: RunFolder, *, seed: int) -> None:
        """Samples and the confusion matrix."""
        DensityTask.draw(self, model, splits, run, seed=seed)
        super().draw(model, splits, run, seed=seed)

    def _bits(self, model, splits, split, **options):
        """As for a density; its images are counted apart from those that the error is of."""
        parts = {name: getattr(splits, name).map(lambda image, _: image) for name in ("train", "validation", "test")}
        found = super().figures(model, dataclasses.replace(splits, **parts, classes=None), split, **options)
        found[f"{split}_bits_per_dim_images"] = found.pop(f"{split}_images")
        return found
