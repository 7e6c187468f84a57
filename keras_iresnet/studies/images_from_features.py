"""Images back from the features of a constrained and of a vanilla network: Behrmann et al., ICML 2019, figures 3, 7."""

import os
import pathlib
from typing import Any

import numpy as np

from keras_iresnet.evaluation import pictures
from keras_iresnet.evaluation.reconstruction import RECONSTRUCTED
from keras_iresnet.runs.held_out import draw_images
from keras_iresnet.studies.study_files import write_study
from keras_iresnet.studies.sweep import caption, load_data, sweep

LABELS = ("coeff-0.9", "vanilla")


def images_from_features(
    out: str | os.PathLike,
    *,
    size: str = "digits",
    images: int = 16,
    seed: int = 0,
    progress: bool = True,
    **source: Any,
) -> tuple[tuple[pathlib.Path, ...], list[dict]]:
    """Train both, invert test images; write `reconstructions.npz`, `.csv`, `.md` and `.png`.

    The picture has the originals above what came back from the constrained network and from the vanilla one.

    Args:
        out: folder for the runs and the results; runs that are there are not made again.
        size: a key of `sweep.SIZES`.
        images: how many test images.
        seed: of the choice of images.
        progress: whether to show the training.
        **source: `overrides` and `data_dir`, as for `sweep.sweep`.

    Returns:
        The four paths, and the rows of the table: an image and a model each, or a model that diverged.
    """
    originals, _, splits = draw_images(load_data(size, **source), images, seed=seed)
    runs = sweep(size, LABELS, out, progress=progress, **source)
    rows: list[dict] = []
    arrays = {"originals": originals}
    for label, run in runs.items():
        if run is None:
            rows.append({**dict.fromkeys(rows[0]), "model": label, "diverged": True})
            continue
        model = run.load_best()
        back, report = model.invert(model.features(originals))
        arrays[label] = back.numpy()
        errors = np.abs(arrays[label] - originals / (model.bins - 1)).mean((1, 2, 3))
        rows += [_row(label, i, error, report) for i, error in enumerate(errors)]
    paths = write_study(
        out,
        "reconstructions",
        arrays=arrays,
        rows=rows,
        picture=lambda file: _picture(arrays, splits.bins, file),
    )
    return paths, rows


def _row(label, i, error, report):
    error = float(error) if np.isfinite(error) else None
    return {
        "model": label,
        "diverged": False,
        "image": i,
        "mean_abs_error": error,
        "reconstructed": error is not None and error < RECONSTRUCTED,
        "converged": bool(report.converged[i]),
        "steps": int(report.steps[i]),
        "residual": float(report.residual[i]),
    }


def _picture(arrays, bins, path):
    """A row each: pixels beyond black and white are clipped, and grey where they are no numbers."""
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    labels = [label for label in LABELS if label in arrays]
    shown = [arrays["originals"] / (bins - 1)] + [np.nan_to_num(arrays[label], nan=0.5) for label in labels]
    images = np.round(np.clip(np.concatenate(shown), 0, 1) * (bins - 1)).astype(arrays["originals"].dtype)
    pixels = pictures.grid(images, bins, columns=len(arrays["originals"]))
    height, width = pixels.shape[:2]
    figure = Figure(figsize=(1 + width / 80, 0.2 + height / 80), layout="constrained")
    axes = figure.subplots()
    axes.imshow(pixels, interpolation="nearest")
    rows = ["original", *map(caption, labels)]
    axes.set_yticks((np.arange(len(rows)) + 0.5) * height / len(rows), rows)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.savefig(path, format="png", dpi=120)
