"""The picture of samples that ends a run, and that `sample` draws; of points, the table."""

import os
import pathlib
from typing import Any

import numpy as np

from keras_iresnet import data
from keras_iresnet.evaluation import pictures
from keras_iresnet.models import Flow
from keras_iresnet.runs.column_panels import save_column_panels
from keras_iresnet.runs.output import write
from keras_iresnet.runs.run_folder import replacing
from keras_iresnet.runs.table_rows import columns_of, in_steps, write_table

PER_CLASS = 10
POINTS = 4096
CLASS = "class"  # the column of a table of samples that has theirs, where it has no name


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
    """Write samples of `flow` to `out`: images as a grid, points beside the data, or the array, or points as a table.

    Of p(x | c) where c are no classes, those of the first test examples are taken, over and over.
    """
    bins = flow.bins
    if bins is None:
        _draw_points(flow, splits, out, n=n, label=label, temperature=temperature, seed=seed, on_failure=on_failure)
        return
    classes = flow.condition_size if label is None else None
    n = n or (PER_CLASS * classes if classes else 64)
    options = {"temperature": temperature, "on_failure": on_failure, "condition": _labels(flow, n, label)}
    samples = np.asarray(flow.to_images(flow.sample(n, seed, **options)))
    columns = n // classes if classes and n % classes == 0 else None
    write(samples, out, lambda path: pictures.save_image(pictures.grid(samples, bins, columns), path))


def _draw_points(flow, splits, out, *, n, label, temperature, seed, on_failure):
    """Samples of points as a picture beside the data, as an array, or as a table with the columns of theirs."""
    n, description = n or POINTS, splits.description
    vectors = flow.condition_size is not None and splits.classes is None
    condition = first_rows(splits.test, n)[1] if vectors else _labels(flow, n, label)
    samples = flow.sample(n, seed, temperature=temperature, on_failure=on_failure, condition=condition)
    samples = in_steps(samples.numpy(), description)
    columns = columns_of(description, flow.dimension)

    def picture(path):
        data_rows = first_rows(splits.test.concatenate(splits.validation), n)[0]
        if flow.dimension == 2 and flow.condition_size is None and not description.columns:
            return pictures.save_plane_panels(pictures.plane_panels(flow, data_rows, samples), path)
        return save_column_panels(data_rows, samples, columns, path)

    if pathlib.Path(out).suffix != ".csv":
        write(samples, out, picture)
        return
    beside: list = [() for _ in range(n)]
    if vectors:
        names = description.condition_columns or tuple(f"y{index}" for index in range(condition.shape[1]))
        mean, deviation = (np.array(of) for of in (description.condition_mean, description.condition_deviation))
        columns, beside = (*columns, *names), list((condition * deviation + mean).astype(np.float32))
    elif condition is not None:
        columns, beside = (
            (*columns, description.label_column or CLASS),
            [(_class_name(description, row),) for row in condition],
        )
    with replacing(out) as temporary:
        write_table(temporary, columns, [(*row, *more) for row, more in zip(samples, beside, strict=True)])


def _class_name(description, number):
    return description.class_names[number] if description.class_names else str(number)


def first_rows(split: Any, n: int) -> tuple[np.ndarray, ...]:
    """The first `n` examples, in a tuple with what comes with them; over and over where there are fewer."""
    found = next(iter(split.repeat().batch(n)))
    return tuple(part.numpy() for part in found) if isinstance(found, tuple) else (found.numpy(),)


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
