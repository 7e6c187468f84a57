"""Whether a hybrid model tells images of another kind: by their density, and by how typical it is."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet.evaluation.batchwise import compiled
from keras_iresnet.models import Hybrid

BATCH = 250


@dataclasses.dataclass(frozen=True)
class Strangers:
    """Scores of images of the kind that was learned and of another kind.

    Attributes:
        known: (n,) log-likelihoods in nats of the kind that was learned.
        strange: (m,) of the other kind.
        typical: log-likelihood that the model was calibrated to.
    """

    known: np.ndarray
    strange: np.ndarray
    typical: float

    @property
    def density_auroc(self) -> float:
        """Probability that a strange image has a lower density than a known one."""
        return _auroc(-self.known, -self.strange)

    @property
    def typicality_auroc(self) -> float:
        """Probability that the density of a strange image lies further from the typical one than that of a known."""
        return _auroc(np.abs(self.known - self.typical), np.abs(self.strange - self.typical))


def compare_strangers(model: Hybrid, known: Any, strange: Any) -> Strangers:
    """Log-likelihoods of two arrays of integer images: held out, and of another kind.

    Args:
        model: a calibrated `Hybrid`, as `train` leaves it.
        known: (n, *event_shape).
        strange: (m, *event_shape).

    Raises:
        ValueError: the model was not calibrated.

    Reference: Nalisnick et al., arXiv:1906.02994.

    Example:
    >>> import numpy as np
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.evaluation.out_of_distribution import compare_strangers
    >>> model = ki.zoo.hybrid_classifier(blocks=(1,), channels=8)
    >>> dark, bright = np.zeros((5, 8, 8, 1), np.uint8), np.full((5, 8, 8, 1), 8, np.uint8)
    >>> model.calibrate(dark)
    >>> compare_strangers(model, dark, bright).known.shape
    (5,)
    """
    typical = float(model.typical_log_prob)

    @compiled
    def log_prob(images, seed):
        return model.log_prob(images, seed=seed)

    def all_of(images, stream):
        parts = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
        return np.concatenate([log_prob(part, tf.constant([stream, i])).numpy() for i, part in enumerate(parts)])

    return Strangers(all_of(np.asarray(known), 1), all_of(np.asarray(strange), 2), typical)


def save_picture(strangers: Strangers, path: str | os.PathLike, labels: Sequence[str], title: str = "") -> None:
    """Draw histograms of both kinds' log-likelihoods as PNG; `labels` name the known and the strange."""
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    edges = np.histogram_bin_edges(np.concatenate([strangers.known, strangers.strange]), 60)
    for scores, label in zip((strangers.known, strangers.strange), labels, strict=True):
        axes.hist(scores, edges.tolist(), alpha=0.6, label=label)
    axes.axvline(strangers.typical, color="black", lw=0.8, ls=":", label="typical")
    axes.set(xlabel="log p(x), nats", ylabel="images", title=title)
    axes.legend()
    figure.savefig(path, format="png", dpi=120)


def _auroc(known, strange):
    """Of scores that ought to be larger for what is strange."""
    from sklearn.metrics import roc_auc_score

    truth = np.r_[np.zeros(len(known)), np.ones(len(strange))]
    return float(roc_auc_score(truth, np.r_[known, strange]))
