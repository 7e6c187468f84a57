"""Pictures on black, which look alike on a white page and on a dark one: rows of images, densities side by side."""

import math
import pathlib
from collections.abc import Mapping

import numpy as np

from keras_iresnet.evaluation import pictures

_BLACK, _WHITE = "#101214", "#e8eaed"
_SIDE = 4.8  # inches of a picture: a phone shows its letters at half their size, and one can read them
_WIDE = 3  # panels in a row at most


def save_rows(rows: Mapping[str, np.ndarray], bins: int, path: pathlib.Path) -> None:
    """Draw rows of images, each under its label, as PNG.

    Args:
        rows: label -> (n, height, width, channels), as many in all; integers from 0 to `bins - 1`, or pixels, of which
            those beyond black and white are cut, and which are grey where they are no numbers.
        bins: values of a pixel.
        path: file.
    """
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    height = 0.1 + len(rows) * (0.25 + _SIDE / _columns(rows))
    figure = Figure(figsize=(_SIDE, height), layout="constrained", facecolor=_BLACK)
    for axes, (label, images) in zip(np.atleast_1d(figure.subplots(len(rows), 1)), rows.items(), strict=True):
        axes.imshow(_pixels(images, bins), interpolation="nearest")
        axes.set_title(label, loc="left", color=_WHITE, fontsize="small")
        axes.set_axis_off()
    figure.savefig(path, format="png", dpi=160)


def save_grid(images: np.ndarray, bins: int, path: pathlib.Path, columns: int | None = None) -> None:
    """Draw integer images (n, height, width, channels) side by side as PNG."""
    pictures.save_image(pictures.grid(images, bins, columns), path)


def save_panels(panels: Mapping[str, np.ndarray], extent: tuple[float, ...], path: pathlib.Path) -> None:
    """Draw what lies over one square of the plane side by side as PNG, densities on one scale.

    Args:
        panels: title -> density (k, k), first axis vertical, from the bottom; or points (n, 2).
        extent: left, right, bottom and top of the square.
        path: file.
    """
    from matplotlib.figure import Figure

    across = 2 if len(panels) == 4 else min(len(panels), _WIDE)
    down = math.ceil(len(panels) / across)
    figure = Figure(figsize=(_SIDE, (_SIDE / across + 0.3) * down), layout="constrained", facecolor=_BLACK)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    densities = [panel for panel in panels.values() if _is_density(panel)]
    top = np.quantile(np.concatenate([density.ravel() for density in densities]), 0.995)
    for axis, (title, panel) in zip(axes, panels.items(), strict=False):
        if _is_density(panel):
            axis.imshow(panel, extent=extent, origin="lower", cmap="magma", vmin=0, vmax=top)
        else:
            axis.scatter(*panel.T, s=0.8, linewidths=0, color="#ffb454", alpha=0.6)
        axis.set(xlim=extent[:2], ylim=extent[2:], aspect="equal")
        axis.set_title(title, color=_WHITE, fontsize="small")
    for axis in axes:
        axis.set_axis_off()
    figure.savefig(path, format="png", dpi=160)


def _is_density(panel):
    return panel.shape[0] == panel.shape[1]


def _columns(rows):
    return len(next(iter(rows.values())))


def _pixels(images, bins):
    images = np.asarray(images)
    if images.dtype.kind == "f":
        images = np.round(np.clip(np.nan_to_num(images, nan=0.5), 0, 1) * (bins - 1)).astype(np.uint8)
    return pictures.grid(images, bins, columns=len(images))
