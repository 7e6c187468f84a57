"""How well a classifier does on held-out images: error, loss, and what it takes for what."""

import csv
import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet.evaluation.batchwise import Bar, compiled
from keras_iresnet.models import Classifier

BATCH = 500


@dataclasses.dataclass(frozen=True)
class ClassEvaluation:
    """What a classifier made of a data set.

    Attributes:
        confusion: (classes, classes) counts of images, by true class (rows) and the class found (columns).
        loss: mean cross-entropy, nats.
    """

    confusion: np.ndarray
    loss: float

    @property
    def images(self) -> int:
        """How many images there were."""
        return int(self.confusion.sum())

    @property
    def error_percent(self) -> float:
        """Top-1 error in per cent."""
        return 100 * (1 - np.trace(self.confusion) / self.images)

    @property
    def error_percent_standard_error(self) -> float:
        """Of the error, as a mean of `images` independent ones and zeros."""
        share = self.error_percent / 100
        return 100 * math.sqrt(share * (1 - share) / self.images)

    def save_table(self, path: str | os.PathLike, names: Sequence[str] = ()) -> None:
        """Write the counts as CSV: a row for each true class, a column for each class found; by name or number."""
        names = names or [str(index) for index in range(len(self.confusion))]
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["class", *names])
            writer.writerows([name, *map(int, row)] for name, row in zip(names, self.confusion, strict=True))


def evaluate_classifier(classifier: Classifier, dataset: Any, *, progress: bool = False) -> ClassEvaluation:
    """Error, loss and confusion matrix of a classifier.

    Args:
        classifier: a `Classifier` or a `Hybrid`.
        dataset: unbatched `tf.data.Dataset` of (image, label).
        progress: whether to show a bar on standard error.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet import data
    >>> from keras_iresnet.evaluation.classification import evaluate_classifier
    >>> clf = ki.zoo.digits_classifier(blocks=(1,), channels=4, strides=(1,))
    >>> evaluate_classifier(clf, data.load("digits", labels=True).test).confusion.sum(1).tolist()  # as many of each
    [36, 36, 36, 36, 37, 36, 36, 36, 35, 36]
    """
    batches = dataset.batch(BATCH)
    classes = classifier.num_classes

    @compiled
    def count(images, labels):
        logits, labels = tf.cast(classifier.logits(images), tf.float64), tf.cast(labels, tf.int64)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return tf.math.confusion_matrix(labels, tf.argmax(logits, -1), classes), tf.reduce_sum(losses)

    confusion, loss = np.zeros((classes, classes), np.int64), 0.0
    with Bar(batches, progress) as bar:
        for images, labels in bar.tracked(batches):
            counts, losses = count(images, labels)
            confusion += counts.numpy()
            loss += float(losses)
    return ClassEvaluation(confusion, loss / confusion.sum())


def save_confusion(
    evaluation: ClassEvaluation, path: str | os.PathLike, title: str = "", names: Sequence[str] = ()
) -> None:
    """Draw the confusion matrix as PNG: the colour of a cell is its share of the true class, small shares visible."""
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    counts = evaluation.confusion
    classes = len(counts)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))
    if classes <= 20:
        axes.set(xticks=range(classes), yticks=range(classes))
        if names:
            axes.set_xticklabels(names, rotation=45, ha="right")
            axes.set_yticklabels(names)
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if shares[row, column] > 0.4 else "black"
            axes.text(column, row, counts[row, column], ha="center", va="center", fontsize=7, color=colour)
    axes.set(xlabel="class found", ylabel="true class")
    axes.set_title(f"{title}\n{evaluation.error_percent:.2f} % error on {evaluation.images:,} images", fontsize=10)
    figure.colorbar(picture, label="share of the true class")
    figure.savefig(path, format="png", dpi=120)
