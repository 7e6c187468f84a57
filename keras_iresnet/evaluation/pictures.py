"""Pictures of samples and densities: arrays first, then the plot of the arrays."""

import dataclasses
import math
import os
from collections.abc import Sequence

import numpy as np

from keras_iresnet.models import Flow

PAIRED_COLUMNS = 8  # of a picture of originals above reconstructions


def grid(images: np.ndarray, bins: int = 256, columns: int | None = None, min_side: int = 48) -> np.ndarray:
    """Images side by side, enlarged without smoothing.

    Args:
        images: (n, height, width, channels) integers 0 to `bins - 1`, 1 or 3 channels.
        bins: the number of values of a pixel, stretched over black to white.
        columns: images in a row; by default as many as make the grid square.
        min_side: pixels that the shorter side of an image is enlarged to at least.

    Returns:
        (rows, columns, 3) uint8, white where there is no image.

    Raises:
        ValueError: not a batch of images of 1 or 3 channels.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.evaluation import pictures
    >>> pictures.grid(np.zeros((4, 8, 8, 1), np.uint8), bins=17, min_side=16).shape  # 2 x 2, a pixel apart
    (33, 33, 3)
    """
    images = np.asarray(images)
    if images.ndim != 4 or not len(images) or images.shape[-1] not in (1, 3):
        raise ValueError(f"`images` must be of shape (n, height, width, 1 or 3). Received: shape={images.shape}")
    n, height, width, _ = images.shape
    scale = math.ceil(min_side / min(height, width))
    pixels = np.round(images.astype(np.float64) * (255 / (bins - 1))).astype(np.uint8)
    pixels = np.broadcast_to(pixels, (n, height, width, 3)).repeat(scale, 1).repeat(scale, 2)
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    tiles = np.full((rows * columns, height * scale + 1, width * scale + 1, 3), 255, np.uint8)
    tiles[:n, :-1, :-1] = pixels
    whole = tiles.reshape(rows, columns, *tiles.shape[1:]).swapaxes(1, 2).reshape(rows * tiles.shape[1], -1, 3)
    return whole[:-1, :-1]  # lines between the images alone


def save_image(pixels: np.ndarray, path: str | os.PathLike) -> None:
    """Write (rows, columns, 3) uint8 as PNG."""
    from matplotlib.image import imsave  # here, because the import takes a second

    imsave(path, pixels, format="png")


@dataclasses.dataclass(frozen=True)
class PlanePanels:
    """A 2-D flow beside its data.

    Args:
        data: (n, 2) points of the data.
        samples: (m, 2) points of the model.
        density: (k, k) of the model's density, first axis vertical, from the bottom.
        extent: left, right, bottom, top of `density`.
    """

    data: np.ndarray
    samples: np.ndarray
    density: np.ndarray
    extent: tuple[float, float, float, float]


def plane_panels(
    flow: Flow, data: np.ndarray, samples: np.ndarray, resolution: int = 200, margin: float = 0.1
) -> PlanePanels:
    """The model's density over the square that holds the data, with data and samples.

    Args:
        flow: a flow of points (2,).
        data: (n, 2).
        samples: (m, 2).
        resolution: cells along a side.
        margin: what the square has beyond the data on each side, relative to its width.
    """
    from keras_iresnet.ops.log_det import ExactLogDet

    center = (data.min(0) + data.max(0)) / 2
    half = (1 + 2 * margin) * np.max(data.max(0) - data.min(0)) / 2
    ticks = (np.arange(resolution) + 0.5) / resolution * 2 - 1  # centres of the cells
    horizontal, vertical = np.meshgrid(center[0] + half * ticks, center[1] + half * ticks)
    points = np.stack([horizontal, vertical], -1).reshape(-1, 2).astype(np.float32)
    parts = np.array_split(points, math.ceil(len(points) / 4096))
    log_density = np.concatenate([np.asarray(flow.log_prob(part, estimator=ExactLogDet())) for part in parts])
    left, right, bottom, top = (float(center[axis] + side * half) for axis in (0, 1) for side in (-1, 1))
    density = np.exp(log_density).reshape(resolution, resolution)
    return PlanePanels(np.asarray(data), np.asarray(samples), density, (left, right, bottom, top))


def save_plane_panels(
    panels: PlanePanels, path: str | os.PathLike, titles: Sequence[str] = ("data", "model density", "model samples")
) -> None:
    """Draw data, density and samples side by side, on one scale, as PNG."""
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    figure = Figure(figsize=(12, 4.4), layout="constrained")
    axes = figure.subplots(1, 3)
    for axis, points in ((axes[0], panels.data), (axes[2], panels.samples)):
        axis.scatter(*points.T, s=2, linewidths=0, alpha=0.5)
    axes[1].imshow(panels.density, extent=panels.extent, origin="lower", cmap="viridis", interpolation="nearest")
    for axis, title in zip(axes, titles, strict=True):
        axis.set(title=title, xlim=panels.extent[:2], ylim=panels.extent[2:], aspect="equal")
    figure.savefig(path, format="png", dpi=120)


def paired(originals: np.ndarray, reconstructions: np.ndarray, bins: int) -> np.ndarray:
    """Rows of originals, each above its reconstructions, for a grid of `PAIRED_COLUMNS` columns.

    Args:
        originals: (n, height, width, channels) integers.
        reconstructions: the same.
        bins: number of values of a pixel: the last row is filled up with white.

    Returns:
        (2 m, height, width, channels) with m the next multiple of `PAIRED_COLUMNS`.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.evaluation.pictures import paired
    >>> images = np.arange(9).reshape(9, 1, 1, 1)
    >>> paired(images, 10 + images, bins=100).reshape(4, 8)[:, :2].tolist()
    [[0, 1], [10, 11], [8, 99], [18, 99]]
    """
    missing = -len(originals) % PAIRED_COLUMNS
    rows = []
    for images in (originals, reconstructions):
        white = np.full((missing, *images.shape[1:]), bins - 1, images.dtype)
        rows.append(np.concatenate([images, white]).reshape(-1, PAIRED_COLUMNS, *images.shape[1:]))
    return np.stack(rows, 1).reshape(-1, *originals.shape[1:])
