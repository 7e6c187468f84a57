"""The picture of samples that ends a run, and that `sample` draws."""

import os

import numpy as np

from keras_iresnet import data
from keras_iresnet.evaluation import pictures
from keras_iresnet.models import Flow
from keras_iresnet.runs.output import write

PER_CLASS = 10


def draw_samples(
    flow: Flow,
    splits: data.Splits | None,
    out: str | os.PathLike,
    *,
    n: int | None = None,
    label: int | None = None,
    temperature: float = 1.0,
    seed: int = 0,
    on_failure: str = "raise",
) -> None:
    """Write samples of `flow` to `out`: images as a grid, points beside the data and the density, or the array."""
    images, classes = flow.bins is not None, flow.condition_size if label is None else None
    n = n or (PER_CLASS * classes if classes else 64 if images else 4096)
    options = {"temperature": temperature, "on_failure": on_failure, "condition": _labels(flow, n, label)}
    samples = flow.sample(n, seed, **options)
    samples = np.asarray(flow.to_images(samples) if images else samples)

    def picture(path):
        if flow.bins is not None:
            columns = n // classes if classes and n % classes == 0 else None
            return pictures.save_image(pictures.grid(samples, flow.bins, columns), path)
        assert splits is not None, "points are drawn beside their data"
        points = next(iter(splits.test.batch(len(samples)))).numpy()
        return pictures.save_plane_panels(pictures.plane_panels(flow, points, samples), path)

    write(samples, out, picture)


def check_label(label: int | None, *, conditional: bool) -> None:
    """Refuse to draw a class from a density that knows none."""
    if label is not None and not conditional:
        raise ValueError(f"`label` must be none for a run of p(x), which knows no classes. Received: label={label}")


def _labels(flow, n, label):
    """Labels (n,) of what is to be drawn: one class, or all of them in order, or `None` where there are none."""
    check_label(label, conditional=flow.condition_size is not None)
    if flow.condition_size is None:
        return None
    return np.arange(n) * flow.condition_size // n if label is None else np.full(n, label)
