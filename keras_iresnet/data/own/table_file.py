"""Tables: columns by name, as CSV or Parquet."""

import hashlib
import io
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_iresnet.data.description import Description
from keras_iresnet.data.own.class_labels import numbered
from keras_iresnet.data.own.examples import Examples
from keras_iresnet.data.own.few_values import dequantized, refuse_few_values
from keras_iresnet.data.own.reading import Reading

TABLES = (".csv", ".parquet")
_MARKED = ("positive", "bounds", "dequantize")  # options that say something of columns that are used
MISSING = ("", "NA", "N/A", "NaN", "nan", "null")  # what stands for a missing value in CSV


def read_table(file: pathlib.Path, reading: Reading, *, labels: bool, like: Examples | None = None) -> Examples:
    """The rows of a table: numbers of the columns that are asked for, with a class or with conditions.

    Args:
        file: `.csv` with names of columns in its first line, or `.parquet`.
        reading: which columns to read, and how.
        labels: whether the class, or the columns beside `target`, are wanted.
        like: examples whose columns and classes these must have.

    Raises:
        ValueError: a column is missing, is no number, has a missing value or too few different ones, or is needed and
            not named. Or polars, which reads tables, is not installed.
        OSError: the file cannot be read.
    """
    reading.for_files("Tables", "columns", "target", "label", "positive", "bounds", "dequantize")
    table = _read(file)
    columns, conditions = _chosen(table, reading, like, file)
    beside, classes = None, ()
    if labels and reading.target:
        beside = _numbers(table, conditions, file)
    elif labels:
        beside, classes = _classes(table, reading.label, like, file)
    values = _numbers(table, columns, file)
    values, grids = dequantized(
        values, columns, reading.dequantize, seed=reading.split_seed, known=like.description.grids if like else None
    )
    if like is None:
        refuse_few_values(values, columns, file)
        _require_ranges(values, columns, reading, file)
    description = Description(
        class_names=classes,
        columns=columns,
        condition_columns=conditions if beside is not None and reading.target else (),
        label_column=reading.label,
        positive=reading.positive,
        bounds=reading.bounded or {},
        grids=grids,
        digest=hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    return Examples((len(columns),), None, values, beside, np.arange(1, len(values) + 1), description)


def _read(file) -> Any:
    try:
        import polars
    except ImportError as error:
        raise ValueError(
            f"Tables need polars, which is not installed: pip install 'keras-iresnet[tables]'. Received: {file}"
        ) from error
    content = file.read_bytes()  # polars cannot open a name that the locale cannot spell
    try:
        if file.suffix == ".csv":
            # All rows tell a column's type: a first thousand of whole numbers may be followed by fractions.
            table = polars.read_csv(content, infer_schema_length=None, null_values=list(MISSING))
        else:
            table = polars.read_parquet(io.BytesIO(content))
    except polars.exceptions.PolarsError as error:
        raise ValueError(f"{file} must be a table in {file.suffix[1:]} form. Received: {error}") from error
    if not table.height:
        raise ValueError(f"{file} must hold rows. Received: none")
    return table


def _chosen(table, reading, like, file) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that a density is of, and those it is conditioned on."""
    if like is not None:
        return like.description.columns, like.description.condition_columns
    named = {field: getattr(reading, field) for field in ("columns", "target", *_MARKED)}
    named["bounds"] = tuple(reading.bounded or ())
    named["label"] = () if reading.label is None else (reading.label,)
    for option, names in named.items():
        _require_columns(table, names, file, option)
    columns = reading.columns or tuple(name for name in table.columns if name != reading.label)
    for option in ("target", *_MARKED):
        if strange := set(named[option]) - set(columns):
            raise ValueError(
                f"`{option}` must be among the columns that are used. Received: {', '.join(sorted(strange))}"
            )
    if not reading.target:
        return tuple(columns), ()
    conditions = tuple(name for name in columns if name not in reading.target)
    if not conditions:
        raise ValueError(
            f"`target` must leave columns that it is conditioned on. Received: {', '.join(reading.target)}"
        )
    return reading.target, conditions


def _numbers(table, columns: Sequence[str], file) -> np.ndarray:
    """(rows, columns) float32 of what must be finite numbers."""
    _require_columns(table, columns, file, "columns")
    parts = []
    for name in columns:
        column = table[name]
        if not column.dtype.is_numeric():
            raise ValueError(
                f"Column {name!r} of {file} must hold numbers. Leave it out by `columns`, name it as the `label`, or "
                f"write a category as columns of 0 and 1 for use as conditions. Received: {column.dtype}, such as "
                f"{_no_number(column)!r}"
            )
        values = column.to_numpy().astype(np.float64)
        with np.errstate(over="ignore"):
            missing = np.flatnonzero(~np.isfinite(values.astype(np.float32)))
        if len(missing):
            raise ValueError(
                "Every value must be a finite number; leave out or fill in rows that have none. "
                f"Received: {column[int(missing[0])]} in row {missing[0] + 1}, column {name!r} of {file}; "
                f"{len(missing)} such rows in this column"
            )
        parts.append(values)
    return np.stack(parts, -1).astype(np.float32)


def _no_number(column):
    """The first value that is none, or where all are missing the first."""
    if str(column.dtype) != "String":
        return column[0]
    numbers = column.cast(float, strict=False)
    found = column.filter(numbers.is_null() & column.is_not_null())
    return found[0] if len(found) else column[0]


def _require_ranges(values, columns, reading, file):
    """Refuse values, noise included, that are not in the range of their column."""
    ranges = {name: ("positive", 0.0, np.inf) for name in reading.positive}
    ranges |= {name: ("bounds", low, high) for name, (low, high) in (reading.bounded or {}).items()}
    for name, (option, low, high) in ranges.items():
        if name not in columns:
            continue
        column = values[:, columns.index(name)]
        outside = np.flatnonzero((column <= low) | (column >= high))
        if len(outside):
            raise ValueError(
                f"Columns of `{option}` must lie in ({low:g}, {high:g}). Received: {column[outside[0]]} in row "
                f"{outside[0] + 1}, column {name!r} of {file}; {len(outside)} such rows"
            )


def _classes(table, label, like, file):
    if label is None:
        raise ValueError(f"`label` must name the column of {file} that holds the class. Received: label=None")
    _require_columns(table, (label,), file, "label")
    if table[label].null_count():
        row = int(table[label].is_null().arg_max()) + 1
        raise ValueError(f"Every row must have a label. Received: none in row {row}, column {label!r} of {file}")
    return numbered(table[label].to_numpy(), like.description.class_names if like else ())


def _require_columns(table, names, file, option):
    if missing := [name for name in names if name not in table.columns]:
        raise ValueError(
            f"`{option}` must be columns of {file}: {', '.join(table.columns)}. Received: {', '.join(missing)}"
        )
