"""How many fixed-point steps the inverse needs: Behrmann et al., ICML 2019, figure 8."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.evaluation.batchwise import compiled
from keras_iresnet.layers import InvertibleResidualBlock
from keras_iresnet.ops.fixed_point import fixed_point
from keras_iresnet.runs.held_out import draw_images
from keras_iresnet.studies.study_files import write_study
from keras_iresnet.studies.sweep import SIZES, caption, load_data, sweep

LABELS = ("coeff-0.9", "coeff-0.7", "coeff-0.5", "coeff-0.3")
STEPS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100)


def inverse_steps(
    out: str | os.PathLike,
    *,
    size: str = "digits",
    images: int = 100,
    seed: int = 0,
    progress: bool = True,
    **source: Any,
) -> tuple[tuple[pathlib.Path, ...], list[dict]]:
    """Train one network for each coeff, invert with 1 to 100 steps a block; write `inverse_steps.npz` and the others.

    Args:
        out: folder for the runs and the results; runs that are there are not made again.
        size: a key of `sweep.SIZES`.
        images: how many test images.
        seed: of the choice of images.
        progress: whether to show the training.
        **source: `overrides` and `data_dir`, as for `sweep.sweep`.

    Returns:
        The four paths, and the rows of the table: a model and a number of steps each.
    """
    originals = draw_images(load_data(size, **source), images, seed=seed).images
    runs = sweep(size, LABELS, out, progress=progress, **source)
    errors = {label: steps_study(run.load_best(), originals) for label, run in runs.items() if run is not None}
    rows = [
        {"model": label, "steps": steps, "mean_abs_error": float(error.mean()), "worst_image": float(error.max())}
        for label, found in errors.items()
        for steps, error in zip(STEPS, found, strict=True)
    ]
    title = f"{SIZES[size].model}, {len(originals)} test images"
    paths = write_study(
        out,
        "inverse_steps",
        arrays={"steps": STEPS, **errors},
        rows=rows,
        picture=lambda file: save_picture(errors, file, title),
    )
    return paths, rows


def steps_study(model: keras.Model, images: np.ndarray, steps: Sequence[int] = STEPS) -> np.ndarray:
    """Mean absolute error of each image's reconstruction by a fixed number of steps in every block.

    Args:
        model: a `Classifier` whose backbone is a `Chain`.
        images: (images, *event_shape) integers.
        steps: numbers of steps, at least 1.

    Returns:
        (len(steps), images), of the range of a pixel.
    """

    @compiled
    def back(x, count):
        for layer in reversed(model.layer.layers):
            x = _by_steps(layer, x, count) if isinstance(layer, InvertibleResidualBlock) else layer.inverse(x)
        return x

    features, pixels = model.features(images), images / (model.bins - 1)
    found = [back(features, tf.constant(count)).numpy() for count in steps]
    return np.stack([np.abs(one - pixels).mean((1, 2, 3)) for one in found])


def _by_steps(block, y, count):
    """x after `count` steps: no tolerance is reached before."""
    return fixed_point(block.branch.as_map(), y, tolerance=-1.0, max_steps=count).x


def save_picture(errors: Mapping[str, np.ndarray], path: str | os.PathLike, title: str = "") -> None:
    """Draw the error by the number of steps as PNG.

    Args:
        errors: label -> (len(STEPS), images), as `steps_study` gives them.
        path: file.
        title: of the picture.
    """
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    for label, found in errors.items():
        axes.plot(STEPS, found.mean(1), "o-", ms=3, label=caption(label))
    axes.set(xlabel="fixed-point steps of each block", ylabel="mean absolute error of a pixel in [0, 1]")
    axes.set(xscale="log", yscale="log", title=title)
    axes.set_xticks(STEPS, map(str, STEPS))
    axes.set_xticks([], minor=True)
    axes.legend()
    figure.savefig(path, format="png", dpi=120)
