"""Columns of few values: a density of them has no bound, until noise fills the steps between the values."""

import math
import os
from collections.abc import Mapping, Sequence

import numpy as np

FEW = 20


def few_values(column: np.ndarray) -> bool:
    """Whether values repeat so much that they are no sample of a density.

    Few are up to 20 different values, or up to the root of their number, where half of them or more are repetitions.

    Args:
        column: (n,) numbers.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.data.own.few_values import few_values
    >>> few_values(np.arange(100.0) % 7), few_values(np.arange(5.0))
    (True, False)
    """
    different = len(np.unique(column))
    return different <= min(len(column) / 2, max(FEW, math.sqrt(len(column))))


def refuse_few_values(values: np.ndarray, columns: Sequence[str], file: str | os.PathLike) -> None:
    """Refuse a table (rows, columns) that has a column of few values.

    Raises:
        ValueError: it has; the message names the column.
    """
    for name, column in zip(columns, values.T, strict=True):
        if few_values(column):
            found = np.unique(column)
            advice = "`dequantize` adds noise as wide as their steps" if len(found) > 1 else "it says nothing"
            raise ValueError(
                f"Column {name!r} of {file} must have more different values: the density of few has no bound. "
                f"Leave it out by `columns`, or, of several values, {advice}. "
                f"Received: {len(found)} different values in {len(column)} rows"
            )


def dequantized(
    values: np.ndarray,
    columns: Sequence[str],
    chosen: Sequence[str],
    *,
    seed: int,
    known: Mapping[str, float] | None = None,
) -> tuple[np.ndarray, dict[str, float]]:
    """Uniform noise in [-step / 2, step / 2) added to the columns that are chosen.

    Args:
        values: (rows, columns) float32.
        columns: their names.
        chosen: names of those to dequantise.
        seed: of the noise.
        known: the step of each, by default the smallest between two of its values.

    Returns:
        (rows, columns) float32, and the step of each.

    Raises:
        ValueError: a chosen column has one value alone.
    """
    rng, steps = np.random.default_rng((seed, 1)), {}
    values = values.copy()
    for name in chosen:
        if name not in columns:
            continue  # a condition: densities are not of it
        column = values[:, list(columns).index(name)]
        different = np.unique(column.astype(np.float64))
        if known is None and len(different) < 2:
            raise ValueError(f"`dequantize` must be of columns with two values or more. Received: {name!r}")
        steps[name] = float(np.diff(different).min()) if known is None else known[name]
        column += steps[name] * (rng.random(len(column)) - 0.5)
    return values, steps
