"""What training a density and training a classifier do not share: data, figures, pictures."""

import dataclasses

from keras_iresnet import zoo
from keras_iresnet.analysis.certificate import certify
from keras_iresnet.analysis.classification import evaluate_classifier, save_confusion
from keras_iresnet.analysis.reconstruction import evaluate_reconstruction
from keras_iresnet.training.density_figures import density_figures
from keras_iresnet.training.run_folder import replacing
from keras_iresnet.training.sample import draw
from keras_iresnet.training.tensorboard import EXAMPLES, Diagnostics, Pictures

UNCERTIFIED_IMAGES = (
    200  # that are inverted where nothing promises that it converges: each may take all steps there are
)


class DensityTask:
    """A `Flow`, fitted to examples, reported in bits/dim or nats."""

    labels = False  # whether the data come with them

    def metric(self, model):
        """The log that training shows and whose validation value chooses the best checkpoint, small is better."""
        return "nats" if model.bins is None else "bits_per_dim"

    def check_fit(self, model, splits):
        """Refuse a data set whose examples are not the model's."""
        _check_examples(model, splits)

    def best(self, model, value):
        """What metrics.json says of the best checkpoint's validation."""
        if model.bins is None:
            return {"best_validation_log_likelihood_nats": -value}
        return {"best_validation_bits_per_dim": value}

    def callbacks(self, recipe, splits, writer):
        """What watches the training beside the history: pictures and diagnostics of held-out examples."""
        examples = next(iter(splits.validation.batch(EXAMPLES))).numpy()
        watching = [] if splits.bins is None else [Pictures(writer, examples)]
        return watching + ([Diagnostics(writer, examples)] if recipe.diagnostics else [])

    def figures(self, model, splits, split, *, seed, progress, **protocol):
        """What metrics.json says of a split; `protocol` as for `evaluate_bits_per_dim`."""
        return density_figures(model, splits, split, seed=seed, progress=progress, **protocol)

    def final_figures(self, model, splits, *, seed, progress):
        """The figures that end a run."""
        once = {} if splits.bins is None else {"max_passes": 1}  # `evaluate` takes the time to average the noise out
        return self.figures(model, splits, "test", seed=seed, progress=progress, **once)

    def draw(self, model, splits, run, *, seed):
        """The pictures that end a run: samples."""
        draw(model, splits, run.samples, seed=seed, on_failure="warn")


class ClassificationTask:
    """A `Classifier`, fitted to labelled images, reported in per cent of error, with its inverse."""

    labels = True

    def metric(self, model):
        """As for a density: the top-1 error."""
        del model
        return "error_percent"

    def check_fit(self, model, splits):
        """Refuse a data set whose images or classes are not the model's."""
        _check_classes(model, splits)

    def best(self, model, value):
        """As for a density."""
        return {f"best_validation_{self.metric(model)}": value}

    def callbacks(self, recipe, splits, writer):
        """As for a density: diagnostics alone."""
        examples = next(iter(splits.validation.batch(EXAMPLES)))
        return [Diagnostics(writer, *examples)] if recipe.diagnostics else []

    def figures(self, model, splits, split, *, seed, progress, **protocol):
        """Error and loss of a split, and how well its features give the images back, where they can."""
        del seed
        if protocol:
            raise ValueError(f"Classifiers have no options of evaluation. Received: {', '.join(protocol)}")
        examples = getattr(splits, split)
        errors = _errors(model, examples, split, progress)
        if not model.has_inverse:
            return errors
        limit = None if certify(model).invertible else UNCERTIFIED_IMAGES
        found = evaluate_reconstruction(model, examples, limit=limit, progress=progress).figures()
        inverse = {f"{split}_reconstruction_{name}": value for name, value in found.items()}
        return errors | inverse

    def final_figures(self, model, splits, *, seed, progress):
        """As for a density; error and loss of the training split too."""
        train = _errors(model, splits.train, "train", progress)
        return train | self.figures(model, splits, "test", seed=seed, progress=progress)

    def draw(self, model, splits, run, *, seed):
        """The confusion matrix of the test split, as a picture and as a table."""
        del seed
        _draw_confusion(model, splits, run)


class HybridTask(DensityTask):
    """A `Hybrid`, fitted to labelled images, reported in both."""

    labels = True

    def metric(self, model):
        """As for a density: both losses together."""
        del model
        return "loss"

    def check_fit(self, model, splits):
        """As for a classifier."""
        _check_classes(model, splits)

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
        return bits | _errors(model, getattr(splits, split), split, progress)

    def draw(self, model, splits, run, *, seed):
        """Samples and the confusion matrix."""
        super().draw(model, splits, run, seed=seed)
        _draw_confusion(model, splits, run)


_TASKS = {"density": DensityTask(), "classification": ClassificationTask(), "hybrid": HybridTask()}


def task_of(name):
    """The task of the model of the zoo called `name`.

    Example:
    >>> from keras_iresnet.training.task import task_of
    >>> task_of("digits_flow").labels, task_of("digits_classifier").labels
    (False, True)
    """
    return _TASKS[zoo.get(name).task]


def _check_examples(model, splits):
    if (model.event_shape, model.bins) != (splits.event_shape, splits.bins):
        raise ValueError(
            f"`dataset` must hold examples of shape {model.event_shape} with bins={model.bins} for this model. "
            f"Received: dataset={splits.name!r}, of shape {splits.event_shape} with bins={splits.bins}"
        )


def _check_classes(model, splits):
    _check_examples(model, splits)
    if model.num_classes != splits.classes:
        raise ValueError(
            f"`dataset` must have the {model.num_classes} classes of this model. "
            f"Received: dataset={splits.name!r}, of {splits.classes} classes"
        )


def _errors(model, examples, split, progress):
    found = evaluate_classifier(model, examples, progress=progress)
    return {
        f"{split}_error_percent": found.error_percent,
        f"{split}_error_percent_standard_error": found.error_percent_standard_error,
        f"{split}_loss": found.loss,
        f"{split}_images": found.images,
    }


def _draw_confusion(model, splits, run):
    evaluation = evaluate_classifier(model, splits.test)
    with replacing(run.path / "confusion.csv") as temporary:
        evaluation.save_table(temporary)
    with replacing(run.path / "confusion.png") as temporary:
        save_confusion(evaluation, temporary, f"{splits.name}, test images")
