"""How a density and a classifier on one backbone are trained together."""

import dataclasses

from keras_iresnet.training.classification_task import LabelledTask, errors
from keras_iresnet.training.density_task import DensityTask
from keras_iresnet.training.tensorboard import EXAMPLES, Pictures


class HybridTask(LabelledTask, DensityTask):
    """A `Hybrid`, fitted to labelled images, reported in both."""

    monitored = "loss"  # of both together

    def callbacks(self, recipe, splits, writer):
        """As for a density."""
        images, _ = next(iter(splits.validation.batch(EXAMPLES)))
        return [Pictures(writer, images.numpy()), *super().callbacks(recipe, splits, writer)]

    def figures(self, model, splits, split, *, seed, progress, **protocol):
        """Bits/dim, error and loss of a split."""
        parts = {name: getattr(splits, name).map(lambda image, _: image) for name in ("train", "validation", "test")}
        images = dataclasses.replace(splits, **parts, classes=None)
        bits = super().figures(model, images, split, seed=seed, progress=progress, **protocol)
        return bits | errors(model, getattr(splits, split), split, progress)

    def draw(self, model, splits, run, *, seed):
        """Samples and the confusion matrix."""
        DensityTask.draw(self, model, splits, run, seed=seed)
        super().draw(model, splits, run, seed=seed)
