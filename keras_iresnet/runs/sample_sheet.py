"""The picture of samples that ends a run, and that `sample` draws; of points, the table."""

import os

import numpy as np

from keras_iresnet import data
from keras_iresnet.evaluation import pictures
from keras_iresnet.layers import InverseReport
from keras_iresnet.layers.inverse_report import settle
from keras_iresnet.models import Flow
from keras_iresnet.runs.output import write
from keras_iresnet.runs.point_samples import first_rows, write_points

PER_CLASS = 10
POINTS = 4096


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
    errors: bool = False,
) -> InverseReport:
    """Write samples of `flow` to `out`: images as a grid, points beside the data, or the array, or points as a table.

    Of p(x | c) where c are no classes, those of the first test examples are taken, over and over.

    Returns:
        The report of the inverse, with `errors` as for `InvertibleLayer.inverse_and_report`.
    """
    bins, classes = flow.bins, flow.condition_size if label is None else None
    n = n or (POINTS if bins is None else PER_CLASS * classes if classes else 64)
    condition = _conditions(flow, splits, n, label)
    samples, report = flow.sample_and_report(n, seed, temperature=temperature, condition=condition, errors=errors)
    samples = settle(samples, report, on_failure)
    if bins is None:
        assert splits is not None, "points are drawn beside their data"
        write_points(flow, splits, samples.numpy(), condition, out)
        return report
    samples = flow.to_images(samples).numpy()
    columns = n // classes if classes and n % classes == 0 else None
    write(samples, out, lambda path: pictures.save_image(pictures.grid(samples, bins, columns), path))
    return report


def check_label(label: int | None, *, conditional: bool) -> None:
    """Refuse to draw a class from a density that knows none."""
    if label is not None and not conditional:
        raise ValueError(
            f"`label` must be none for a run of p(x), or of p(x | c) where c are no classes. Received: label={label}"
        )


def _conditions(flow, splits, n, label):
    """What is to be drawn: labels (n,) of one class, or of all in order, or (n, k) numbers, or `None`."""
    numbers = flow.condition_size is not None and splits is not None and splits.classes is None
    check_label(label, conditional=flow.condition_size is not None and not numbers)
    if flow.condition_size is None:
        return None
    if numbers:
        return first_rows(splits.test, n)[1]
    return np.arange(n) * flow.condition_size // n if label is None else np.full(n, label)
