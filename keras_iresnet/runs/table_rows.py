"""Rows of a table as a run writes them: the names of the columns first, dequantised columns in whole steps again."""

import csv
import os
from collections.abc import Sequence

import numpy as np

from keras_iresnet.data import Description


def columns_of(description: Description, dimension: int) -> tuple[str, ...]:
    """The names of the columns of examples: those of the table, or `x0`, `x1` and so on for what is none."""
    return description.columns or tuple(f"x{index}" for index in range(dimension))


def in_steps(values: np.ndarray, description: Description) -> np.ndarray:
    """Examples (n, columns) with the noise of `dequantize` taken off again: each in whole steps from 0.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.data import Description
    >>> from keras_iresnet.runs.table_rows import in_steps
    >>> in_steps(np.array([[1.2, 1.2]]), Description(columns=("a", "b"), grids={"b": 0.5})).tolist()
    [[1.2, 1.0]]
    """
    values = np.array(values)
    for name, step in description.grids.items():
        index = description.columns.index(name)
        values[:, index] = np.round(values[:, index] / step) * step
    return values


def write_table(path: str | os.PathLike, columns: Sequence[str], rows: Sequence[Sequence]) -> None:
    """Write rows as CSV; numbers with as many digits as tell them apart."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[str(value) for value in row] for row in rows])
