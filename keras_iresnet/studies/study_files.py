"""What an experiment leaves: arrays, the table twice, a picture, under one name."""

import csv
import os
import pathlib
from collections.abc import Callable

import numpy as np

from keras_iresnet.models.files.replacing import replacing

ENDINGS = ("npz", "csv", "md", "png")


def write_study(
    out: str | os.PathLike, name: str, *, arrays: dict, rows: list[dict], picture: Callable[[pathlib.Path], None]
) -> tuple[pathlib.Path, ...]:
    """Write `NAME.npz`, `.csv`, `.md` and `.png` into the folder `out`, which is made if it is not there.

    Args:
        out: the folder.
        name: of the experiment.
        arrays: name -> array.
        rows: of the table, each column -> value, the same columns in all.
        picture: function that is called with the path of the picture to write.

    Returns:
        The paths.

    Example:
    >>> from keras_iresnet.studies.study_files import write_study
    >>> rows = [{"coeff": 0.9, "error_percent": 1.23456}, {"coeff": None, "error_percent": 1.2}]
    >>> paths = write_study("out", "x", arrays={"a": [1]}, rows=rows, picture=lambda path: path.touch())
    >>> print(paths[2].read_text())
    | coeff | error_percent |
    |---|---|
    | 0.9 | 1.235 |
    | none | 1.2 |
    <BLANKLINE>
    """
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    paths = tuple(out / f"{name}.{ending}" for ending in ENDINGS)
    writers = (
        lambda file: np.savez(file, **arrays),
        lambda file: _write_csv(file, rows),
        lambda file: file.write_text(markdown(rows)),
        picture,
    )
    for path, write in zip(paths, writers, strict=True):
        with replacing(path) as temporary:
            write(temporary)
    return paths


def markdown(rows: list[dict]) -> str:
    """Rows as a table in Markdown, numbers to four digits."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([_text(value) for value in row.values()] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines).replace(" --- ", "---")


def _write_csv(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _text(value):
    if value is None:
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
