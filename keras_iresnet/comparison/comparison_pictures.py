"""Pictures of a comparison: likelihoods with their errors, densities in the plane side by side, sheets of samples."""

import math
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from keras_iresnet import data
from keras_iresnet.comparison.comparison_table import unit_of
from keras_iresnet.evaluation import pictures
from keras_iresnet.models import Flow

SAMPLES = 16  # of images, of each model
_POINTS = 4096  # of the data beside densities
_RESOLUTION = 150
_WIDE = 4  # panels in a row


def likelihood_picture(rows: Sequence[Mapping[str, Any]], splits: data.Splits, path: pathlib.Path) -> None:
    """Draw each model's figure with two standard errors, of seeds and of examples apart, as PNG."""
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    unit = unit_of(splits)
    known = [row for row in rows if row[unit] is not None][::-1]
    figure = Figure(figsize=(7, 1.2 + 0.4 * len(known)), layout="constrained")
    axis = figure.subplots()
    for height, row in enumerate(known):
        for part, shift, color in (("example", 0.1, "C0"), ("seed", -0.1, "C1")):
            error = row[f"{unit}_{part}_standard_error"]
            if error is not None:
                axis.errorbar(row[unit], height + shift, xerr=2 * error, fmt="o", color=color, markersize=3)
    axis.set(yticks=range(len(known)), yticklabels=[row["model"] for row in known])
    label = "test log-likelihood in nats" if splits.bins is None else "test bits/dim"
    axis.set_xlabel(f"{label}, two standard errors of examples (blue) and of seeds (orange)")
    figure.savefig(path, format="png", dpi=100)


def density_panels(
    densities: Mapping[str, Callable[[np.ndarray], np.ndarray]], points: np.ndarray, path: pathlib.Path
) -> dict[str, np.ndarray]:
    """Draw points of the plane and each model's density over them, side by side on one scale, as PNG.

    Args:
        densities: title -> function of points (n, 2) to log-densities (n,).
        points: (n, 2) of the data.
        path: file to write.

    Returns:
        Title -> the density that was drawn, (k, k).
    """
    panels = {
        title: pictures.plane_panels(cast(Flow, _Density(of)), points, points, resolution=_RESOLUTION)
        for title, of in densities.items()
    }
    first = next(iter(panels.values()))
    axes, save = _axes(len(panels) + 1)
    axes[0].scatter(*points[:_POINTS].T, s=1, linewidths=0, alpha=0.5)
    axes[0].set(title="data", xlim=first.extent[:2], ylim=first.extent[2:], aspect="equal")
    top = np.quantile(np.concatenate([one.density.ravel() for one in panels.values()]), 0.995)
    for axis, (title, one) in zip(axes[1:], panels.items(), strict=False):
        axis.imshow(one.density, extent=one.extent, origin="lower", vmin=0, vmax=top, interpolation="nearest")
        axis.set_title(title)
    save(path)
    return {title: one.density for title, one in panels.items()}


def sample_sheets(flows: Mapping[str, Flow], splits: data.Splits, path: pathlib.Path) -> dict[str, np.ndarray]:
    """Draw test images and samples of each flow, side by side, as PNG; returns title -> the images (n, *event)."""
    assert splits.bins is not None, "sheets are of images"
    sheets = {"test images": next(iter(splits.test.batch(SAMPLES))).numpy()}
    for title, flow in flows.items():
        sheets[title] = flow.to_images(flow.sample(SAMPLES, 0, on_failure="warn")).numpy()
    axes, save = _axes(len(sheets))
    for axis, (title, images) in zip(axes, sheets.items(), strict=False):
        axis.imshow(pictures.grid(images, splits.bins), interpolation="nearest")
        axis.set(title=title, xticks=[], yticks=[])
    save(path)
    return sheets


class _Density:
    """What `plane_panels` asks of a flow, of a function of points."""

    def __init__(self, function: Callable[[np.ndarray], np.ndarray]) -> None:
        self.function = function

    def log_prob(self, points: np.ndarray, **_: Any) -> np.ndarray:
        """(n,) of points (n, 2)."""
        return self.function(points)


def _axes(count):
    """So many axes in rows, the others off; and what writes the figure."""
    from matplotlib.figure import Figure

    across = min(count, _WIDE)
    down = math.ceil(count / across)
    figure = Figure(figsize=(3 * across, 3.2 * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for axis in axes[count:]:
        axis.set_axis_off()
    return axes, lambda path: figure.savefig(path, format="png", dpi=100)
