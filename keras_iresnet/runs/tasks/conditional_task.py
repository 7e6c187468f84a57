"""How a density p(x | c) of labelled examples, or of examples with other conditions, is trained."""

from typing import Any

import keras

from keras_iresnet import data
from keras_iresnet.evaluation.likelihood_classifier import LikelihoodClassifier
from keras_iresnet.runs.tasks.classification_task import check_classes, errors
from keras_iresnet.runs.tasks.density_task import DensityTask, check_examples
from keras_iresnet.runs.tensorboard import EXAMPLES, Diagnostics, Pictures
from keras_iresnet.zoo.recipe import Recipe


class ConditionalTask(DensityTask):
    """A `Flow` of p(x | c), fitted to examples with c, reported as a density and, of classes c, as a classifier."""

    labels = True

    def check_fit(self, model: keras.Model, splits: data.Splits) -> None:
        """As for a classifier; of conditions that are no classes their length."""
        if splits.classes is not None or splits.condition_size is None:
            check_classes(model, splits, model.condition_size)
        check_examples(model, splits)
        if model.condition_size != splits.condition_size:
            raise ValueError(
                f"`dataset` must have {model.condition_size} conditions for this model. "
                f"Received: dataset={splits.name!r}, of {splits.condition_size}"
            )

    def callbacks(self, recipe: Recipe, splits: data.Splits, writer: Any) -> list[keras.callbacks.Callback]:
        """As for a density, at the labels of the examples."""
        images, labels = (part.numpy() for part in next(iter(splits.validation.batch(EXAMPLES))))
        watching = [] if splits.bins is None else [Pictures(writer, images, labels)]
        return watching + ([Diagnostics(writer, images, condition=labels)] if recipe.diagnostics else [])

    def figures(
        self, model: keras.Model, splits: data.Splits, split: str, *, seed: int, progress: bool, **protocol: Any
    ) -> dict[str, Any]:
        """The likelihood of p(x | c), and how well its largest value tells classes apart."""
        bits = super().figures(model, splits, split, seed=seed, progress=progress, **protocol)
        if splits.classes is None:
            return bits
        found = errors(LikelihoodClassifier(model, seed=seed), getattr(splits, split), split, progress)
        if splits.bins is None:
            del found[f"{split}_images"]
        return bits | found
