"""Samples of points as a picture beside their data, as an array, or as a table with the columns of theirs."""

import os
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_iresnet import data
from keras_iresnet.evaluation import pictures
from keras_iresnet.models import Flow
from keras_iresnet.models.files.replacing import replacing
from keras_iresnet.runs.column_panels import save_column_panels
from keras_iresnet.runs.output import write
from keras_iresnet.runs.table_rows import columns_of, in_steps, write_table

CLASS = "class"  # the column of a table of samples that has theirs, where it has no name


def write_points(
    flow: Flow, splits: data.Splits, samples: np.ndarray, condition: np.ndarray | None, out: str | os.PathLike
) -> None:
    """Write samples of points.

    Args:
        flow: what they were drawn from.
        splits: its data.
        samples: (n, columns).
        condition: (n,) classes, or (n, k) numbers in units of their spread, or `None`.
        out: `.csv`, `.npy` or `.png`.
    """
    description = splits.description
    samples = in_steps(samples, description)
    columns = columns_of(description, flow.dimension)
    if pathlib.Path(out).suffix == ".csv":
        names, beside = conditions_told(description, condition, len(samples))
        rows = [(*row, *more) for row, more in zip(samples, beside, strict=True)]
        with replacing(out) as temporary:
            write_table(temporary, (*columns, *names), rows)
        return
    held_out = first_rows(splits.test.concatenate(splits.validation), len(samples))[0]

    def picture(path):
        if flow.dimension == 2 and flow.condition_size is None and not description.columns:
            return pictures.save_plane_panels(pictures.plane_panels(flow, held_out, samples), path)
        return save_column_panels(held_out, samples, columns, path)

    write(samples, out, picture)


def conditions_told(
    description: data.Description, condition: np.ndarray | None, n: int
) -> tuple[tuple[str, ...], Sequence[Sequence]]:
    """Names of the columns that samples were drawn given, and the `n` rows of them: names of classes, or numbers."""
    if condition is None:
        return (), [()] * n
    if condition.ndim == 1:
        known = description.class_names
        return (description.label_column or CLASS,), [(known[row] if known else row,) for row in condition]
    names = description.condition_columns or tuple(f"y{index}" for index in range(condition.shape[1]))
    mean, deviation = (np.array(of) for of in (description.condition_mean, description.condition_deviation))
    return names, (condition * deviation + mean).astype(np.float32)


def first_rows(split: tf.data.Dataset, n: int) -> tuple[np.ndarray, ...]:
    """The first `n` examples, in a tuple with what comes with them; over and over where there are fewer."""
    found = next(iter(split.repeat().batch(n)))
    return tuple(part.numpy() for part in found) if isinstance(found, tuple) else (found.numpy(),)
