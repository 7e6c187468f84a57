"""The norms of every layer of trained models: Behrmann et al., ICML 2019, figure 6."""

import numpy as np

from keras_iresnet.analysis.singular_values import layer_norms, save_picture
from keras_iresnet.training.run_folder import RunFolder
from keras_iresnet.training.study import write_study
from keras_iresnet.training.sweep import caption, sweep

LABELS = ("vanilla", "batch-norm", "coeff-0.9", "coeff-0.7", "coeff-0.5", "coeff-0.3")


def singular_values_sweep(out, *, size: str = "digits", **training):
    """Train a vanilla network, one with batch normalisation and four constrained ones, and compare their norms.

    Args:
        out: folder for the runs and the results; runs that are there are not made again.
        size: a key of `sweep.SIZES`.
        **training: `overrides`, `data_dir` and `progress`, as for `sweep.sweep`.

    Returns:
        As `singular_values_runs`; of an unconstrained network that diverged, that it did.
    """
    return _study(sweep(size, LABELS, out, **training), out)


def singular_values_runs(paths, out=None):
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
    return _study(runs, next(iter(runs.values())).path if out is None else out)


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
