"""A hybrid model tells its own images from strangers: the experiment of Behrmann et al.'s outlook, section 6."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_iresnet import data
from keras_iresnet.data.matched import matched
from keras_iresnet.evaluation.out_of_distribution import compare_strangers, save_picture
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.settings import resolve
from keras_iresnet.runs.train import train
from keras_iresnet.studies.study_files import write_study

SIZES = {
    "digits": {},
    "mnist": {"dataset": "mnist", "epochs": None, "minutes": 20, "channels": 32, "batch_size": 64},
}
STRANGE = "fashion_mnist"


def strangers(
    out: str | os.PathLike,
    *,
    size: str = "digits",
    images: int = 1000,
    overrides: Mapping[str, Any] | None = None,
    data_dir: str | os.PathLike | None = None,
    strange: str = STRANGE,
    progress: bool = True,
) -> tuple[tuple[pathlib.Path, ...], list[dict]]:
    """Train a hybrid classifier, show it strangers; write `hybrid.npz`, `.csv`, `.md` and `.png`.

    Args:
        out: folder for the run and the results; a run that is there is not made again.
        size: a key of `SIZES`.
        images: how many of each kind, the first ones, at most.
        overrides: of recipe and builder.
        data_dir: TFDS data directory.
        strange: data set of the strangers, brought to the size of the images that are known.
        progress: whether to show the training.

    Returns:
        The four paths, and the row of the table: error, bits/dim, on how many images, and the AUROC of both scores.

    Raises:
        ValueError: no such size, data that cannot be, or a run that is there was made with other settings.
        OSError: the data cannot be read.
    """
    _check(size, images)
    settings = resolve("hybrid_classifier", {**SIZES[size], **(overrides or {})})
    splits, others = (data.load(name, data_dir=data_dir) for name in (settings.recipe.dataset, strange))
    if splits.bins is None or others.bins is None:
        names = f"dataset={splits.name!r}, strange={others.name!r}"
        raise ValueError(f"`dataset` and `strange` must be data sets of images. Received: {names}")
    other = matched(_first(others.test, images), others.bins, event_shape=splits.event_shape, to_bins=splits.bins)
    run = RunFolder(pathlib.Path(out) / "runs" / "hybrid")
    train(settings.name, resume=run.path, overrides=settings.overrides, data_dir=data_dir, progress=progress)
    found = compare_strangers(run.load_best(), _first(splits.test, images), other)
    metrics = {name: run.read_metrics()[name] for name in _METRICS}
    aurocs = {"density_auroc": found.density_auroc, "typicality_auroc": found.typicality_auroc}
    row = {"data": splits.name, "strangers": others.name, **metrics, **aurocs}
    arrays = {"known_log_prob": found.known, "strange_log_prob": found.strange, "typical_log_prob": found.typical}

    def picture(file):
        save_picture(found, file, (splits.name, others.name), "hybrid_classifier")

    return write_study(out, "hybrid", arrays=arrays, rows=[row], picture=picture), [row]


_METRICS = (
    *("train_error_percent", "test_error_percent", "test_error_percent_standard_error", "test_images"),
    *("test_bits_per_dim", "test_bits_per_dim_standard_error", "test_bits_per_dim_images"),
)


def _check(size, images):
    if size not in SIZES:
        raise ValueError(f"`size` must be one of {', '.join(SIZES)}. Received: size={size!r}")
    if images < 1:
        raise ValueError(f"`images` must be at least 1. Received: images={images}")


def _first(split, count) -> np.ndarray:
    return next(iter(split.batch(count))).numpy()
