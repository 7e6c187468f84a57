"""What the constraint costs in accuracy: Behrmann et al., ICML 2019, table 2."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_iresnet.studies.study_files import write_study
from keras_iresnet.studies.sweep import SIZES, caption, published_errors, sweep, variant

LABELS = ("vanilla", "coeff-0.9", "coeff-0.8", "coeff-0.7", "coeff-0.6", "coeff-0.5")
_METRICS = (
    *("test_error_percent", "test_error_percent_standard_error", "train_error_percent", "test_loss", "train_loss"),
    *("test_reconstruction_images", "test_reconstruction_not_converged", "test_reconstruction_not_reconstructed"),
)
_SHOWN = (*_METRICS[:2], "published_error_percent")


def error_by_coeff(
    out: str | os.PathLike, *, size: str = "digits", overrides: Mapping[str, Any] | None = None, **training: Any
) -> tuple[tuple[pathlib.Path, ...], list[dict]]:
    """Train a vanilla network and five constrained ones; write `error_by_coeff.npz`, `.csv`, `.md` and `.png`.

    Args:
        out: folder for the runs and the results; runs that are there are not made again.
        size: a key of `sweep.SIZES`.
        overrides: of recipe and builder; published figures stand beside where it is still the paper's model.
        **training: `data_dir` and `progress`, as for `sweep.sweep`.

    Returns:
        The four paths, and the rows of the table.
    """
    runs = sweep(size, LABELS, out, overrides=overrides, **training)
    published = published_errors(size, overrides)
    rows = [_row(label, run, published.get(label)) for label, run in runs.items()]
    arrays = {name: _floats(row[name] for row in rows) for name in rows[0] if name != "model"}
    title = f"{SIZES[size].model}, test images"
    paths = write_study(
        out, "error_by_coeff", arrays=arrays, rows=rows, picture=lambda file: _picture(rows, file, title)
    )
    return paths, rows


def _row(label, run, published):
    """Without figures where the run is `None`, one that diverged."""
    metrics = {} if run is None else run.read_metrics()
    found = {name: metrics.get(name) for name in _METRICS}
    told = {"model": label, "coeff": variant(label)["coeff"], "diverged": run is None}
    return {**told, **found, "published_error_percent": published}


def _floats(values):
    return np.array([np.nan if value is None else value for value in values], float)


def _picture(rows, path, title):
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    names = [caption(row["model"]) for row in rows]
    errors, deviations, published = (_floats(row[name] for row in rows) for name in _SHOWN)
    axes.errorbar(names, errors, yerr=deviations, fmt="o", capsize=3, label="here, with its standard error")
    if np.isfinite(published).any():
        axes.plot(names, published, "x", label="published")
    axes.set(ylabel="top-1 error, %", title=title, ylim=(0, None))
    axes.legend()
    figure.savefig(path, format="png", dpi=120)
