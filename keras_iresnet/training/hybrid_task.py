"""How a density and a classifier on one backbone are trained together."""

import dataclasses

from keras_iresnet.training.classification_task import check_classes, draw_confusion, errors
from keras_iresnet.training.density_task import DensityTask
from keras_iresnet.training.tensorboard import EXAMPLES, Diagnostics, Pictures


class HybridTask(DensityTask):
    """A `Hybrid`, fitted to labelled images, reported in both."""

    labels = True

    def metric(self, model):
        """As for a density: both losses together."""
        del model
        return "loss"

    def check_fit(self, model, splits):
        """As for a classifier."""
        check_classes(model, splits, model.num_classes)

    def best(self, model, value):
        """As for a density."""
        return {f"best_validation_{self.metric(model)}": value}

    def callbacks(self, recipe, splits, writer):
        """As for a density: pictures, and diagnostics of both losses."""
        images, labels = (part.numpy() for part in next(iter(splits.validation.batch(EXAMPLES))))
        return [Pictures(writer, images)] + ([Diagnostics(writer, images, labels)] if recipe.diagnostics else [])

    def figures(self, model, splits, split, *, seed, progress, **protocol):
        """Bits/dim, error and loss of a split."""
        parts = {name: getattr(splits, name).map(lambda image, _: image) for name in ("train", "validation", "test")}
        images = dataclasses.replace(splits, **parts, classes=None)
        bits = super().figures(model, images, split, seed=seed, progress=progress, **protocol)
        return bits | errors(model, getattr(splits, split), split, progress)

    def draw(self, model, splits, run, *, seed):
        """Samples and the confusion matrix."""
        super().draw(model, splits, run, seed=seed)
        draw_confusion(model, splits, run)
