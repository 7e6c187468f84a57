"""The norms of every layer of trained models: Behrmann et al., ICML 2019, figure 6."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_iresnet.evaluation.layer_norms import layer_norms
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.studies.study_files import write_study
from keras_iresnet.studies.sweep import caption, sweep

LABELS = ("vanilla", "batch-norm", "coeff-0.9", "coeff-0.7", "coeff-0.5", "coeff-0.3")


def singular_values_sweep(
    out: str | os.PathLike, *, size: str = "digits", **training: Any
) -> tuple[tuple[pathlib.Path, ...], list[dict]]:
    """Train a vanilla network, one with batch normalisation and four constrained ones, and compare their norms.

    Args:
        out: folder for the runs and the results; runs that are there are not made again.
        size: a key of `sweep.SIZES`.
        **training: `overrides`, `data_dir` and `progress`, as for `sweep.sweep`.

    Returns:
        As `singular_values_runs`; of an unconstrained network that diverged, that it did.
    """
    return _study(sweep(size, LABELS, out, **training), out)


def singular_values_runs(
    paths: Sequence[Any], out: str | os.PathLike | None = None
) -> tuple[tuple[pathlib.Path, ...], list[dict]]:
    """Write `singular_values.npz`, `.csv`, `.md` and `.png`: the norms of all layers of the best checkpoints.

    Args:
        paths: run folders, of any model with residual blocks.
        out: the folder to write to; by default that of the first run.

    Returns:
        The paths, and a summary: a row for each run, with its largest norm and whether all layers are at or below
        1.01 `coeff`.

    Raises:
        ValueError: no run folder, or a model without residual blocks.
        OSError: the folder cannot be written.
    """
    runs = {label: RunFolder.open(path) for label, path in _labelled(paths).items()}
    return _study(runs, next(iter(runs.values())).outputs if out is None else out)


_COLUMNS = ("layer", "norm", "method", "bound", "coeff", "folded_norm", "holds")


def _study(runs, out):
    """The files and the summary of label -> run, `None` where it diverged."""
    norms = {label: layer_norms(run.load_best()) for label, run in runs.items() if run is not None}
    rows = [
        {"run": label, "diverged": label not in norms, **{name: getattr(norm, name, None) for name in _COLUMNS}}
        for label in runs
        for norm in norms.get(label, [None])
    ]
    arrays = {f"{label}_norm": [norm.norm for norm in found] for label, found in norms.items()}
    arrays |= {f"{label}_folded_norm": _floats(norm.folded_norm for norm in found) for label, found in norms.items()}
    paths = write_study(
        out,
        "singular_values",
        arrays=arrays,
        rows=rows,
        picture=lambda file: save_picture({caption(label): found for label, found in norms.items()}, file),
    )
    summary = {label: _summary(label, found) for label, found in norms.items()}
    nothing = dict.fromkeys(next(iter(summary.values())))
    return paths, [summary.get(label, {**nothing, "run": label, "diverged": True}) for label in runs]


def _summary(label, found):
    largest = max(found, key=lambda norm: norm.norm)
    return {
        "run": label,
        "diverged": False,
        "layers": len(found),
        "coeff": largest.coeff,
        "largest_norm": largest.norm,
        "largest_over_coeff": None if largest.coeff is None else largest.norm / largest.coeff,
        "holds": None if largest.coeff is None else all(norm.holds for norm in found),
    }


def _labelled(paths):
    names = [RunFolder(path).path.name for path in paths]
    return dict(zip(names if len(set(names)) == len(names) else map(str, paths), paths, strict=True))


def _floats(values):
    return np.array([np.nan if value is None else value for value in values])


def save_picture(norms: dict, path: str | os.PathLike, title: str = "") -> None:
    """Draw the norms by depth as PNG.

    Args:
        norms: label -> list of `LayerNorm`.
        path: file.
        title: of the picture.
    """
    from matplotlib.figure import Figure  # not pyplot: no global state, no display
    from matplotlib.ticker import LogLocator, NullFormatter

    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplots()
    for i, (label, found) in enumerate(norms.items()):
        colour = f"C{i}"
        axes.plot([norm.norm for norm in found], "o-", ms=3, lw=1, color=colour, label=label)
        if found[0].coeff is not None:
            axes.axhline(found[0].coeff, color=colour, lw=0.8, ls=":")
        if any(norm.folded_norm is not None for norm in found):
            folded = [np.nan if norm.folded_norm is None else norm.folded_norm for norm in found]
            axes.plot(folded, "x", ms=4, color=colour, label=f"{label}, with its scale")
    axes.set(xlabel="linear layer", ylabel="largest singular value", yscale="log", title=title)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 0.7 * high), max(high, low / 0.7))  # or norms that differ by rounding would fill the picture
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    figure.legend(loc="outside right upper", fontsize="small")
    figure.savefig(path, format="png", dpi=120)
