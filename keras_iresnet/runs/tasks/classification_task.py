"""How a classifier is trained: on labelled images, reported in per cent of error."""

from collections.abc import Mapping
from typing import Any

import keras
import rich.console

from keras_iresnet import data
from keras_iresnet.evaluation.certificate import certify
from keras_iresnet.evaluation.classification import evaluate_classifier, save_confusion
from keras_iresnet.evaluation.reconstruction import evaluate_reconstruction
from keras_iresnet.models.files.replacing import replacing
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.tasks.density_task import check_examples
from keras_iresnet.runs.tensorboard import EXAMPLES, Diagnostics
from keras_iresnet.zoo.recipe import Recipe

# Images that are inverted where nothing promises that it converges: each may take all steps there are.
UNCERTIFIED_IMAGES = 200


class LabelledTask:
    """What tasks on labelled images share."""

    labels = True
    monitored = "error_percent"

    def metric(self, model: keras.Model) -> str:
        """As for a density."""
        del model
        return self.monitored

    def check_fit(self, model: keras.Model, splits: data.Splits) -> None:
        """Refuse a data set whose images or classes are not the model's."""
        check_classes(model, splits, model.num_classes)

    def best(self, model: keras.Model, value: float) -> dict[str, float]:
        """As for a density."""
        return {f"best_validation_{self.metric(model)}": value}

    def callbacks(self, recipe: Recipe, splits: data.Splits, writer: Any) -> list[keras.callbacks.Callback]:
        """As for a density: diagnostics alone."""
        examples = next(iter(splits.validation.batch(EXAMPLES)))
        return [Diagnostics(writer, *examples)] if recipe.diagnostics else []

    def complete(self, model: keras.Model, splits: data.Splits, run: RunFolder, shown: rich.console.Console) -> None:
        """As for a density."""

    def draw(self, model: keras.Model, splits: data.Splits, run: RunFolder, *, seed: int) -> None:
        """The confusion matrix of the test split, as a picture and as a table."""
        del seed
        evaluation = evaluate_classifier(model, splits.test)
        names = splits.description.class_names
        with replacing(run.path / "confusion.csv") as temporary:
            evaluation.save_table(temporary, names)
        with replacing(run.path / "confusion.png") as temporary:
            save_confusion(evaluation, temporary, f"{splits.name}, test images", names)


class ClassificationTask(LabelledTask):
    """A `Classifier`, fitted to labelled images, reported in per cent of error, with its inverse."""

    def check_protocol(self, protocol: Mapping[str, Any], *, points: bool = False) -> None:
        """As for a density; there are none."""
        if protocol:
            raise ValueError(f"Classifiers have no options of evaluation. Received: {', '.join(protocol)}")

    def figures(
        self, model: keras.Model, splits: data.Splits, split: str, *, seed: int, progress: bool, **protocol: Any
    ) -> dict[str, Any]:
        """Error and loss of a split, and how well its features give the images back, where they can."""
        del seed
        self.check_protocol(protocol)
        found = errors(model, getattr(splits, split), split, progress)
        if not model.has_inverse:
            return found
        limit = None if certify(model).invertible else UNCERTIFIED_IMAGES
        inverse = evaluate_reconstruction(model, getattr(splits, split), limit=limit, progress=progress).figures()
        return found | {f"{split}_reconstruction_{name}": value for name, value in inverse.items()}

    def final_figures(self, model: keras.Model, splits: data.Splits, *, seed: int, progress: bool) -> dict[str, Any]:
        """As for a density; error and loss of the training split too."""
        train = errors(model, splits.train, "train", progress)
        return train | self.figures(model, splits, "test", seed=seed, progress=progress)


def check_classes(model: keras.Model, splits: data.Splits, classes: int | None) -> None:
    """Refuse a data set whose images are not the model's, or that has not as many classes."""
    check_examples(model, splits)
    if classes != splits.classes:
        raise ValueError(
            f"`dataset` must have the {classes} classes of this model. "
            f"Received: dataset={splits.name!r}, of {splits.classes} classes"
        )


def errors(model: Any, examples: Any, split: str, progress: bool) -> dict[str, Any]:
    """Error and loss of a split, as metrics.json names them."""
    found = evaluate_classifier(model, examples, progress=progress)
    return {
        f"{split}_error_percent": found.error_percent,
        f"{split}_error_percent_standard_error": found.error_percent_standard_error,
        f"{split}_loss": found.loss,
        f"{split}_images": found.images,
    }
