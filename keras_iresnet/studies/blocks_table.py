"""What blocks, branches, activations and estimators are worth: runs that differ in them, in one table.

Flows of images are compared in bits/dim, of points and tables in nats, classifiers in % of errors.
"""

import collections
import dataclasses
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.state.resume import builder_defaults
from keras_iresnet.studies.study_files import write_study

# What `evaluate` found -> its unit, and 1 where less is better or -1 where more is.
_MEASURES = {"bits_per_dim": ("bits/dim", 1), "error_percent": ("% of errors", 1), "log_likelihood_nats": ("nats", -1)}
_APART = ("seed", "log_steps", "diagnostics", "jit")  # in which runs of one row may differ: they change no model


@dataclasses.dataclass(frozen=True)
class _Run:
    """A run's settings and figures."""

    path: str
    settings: dict
    metrics: dict
    measure: str


def blocks_table(
    runs: Sequence[str | os.PathLike], out: str | os.PathLike, *, split: str = "test", alike: Sequence[str] = ()
) -> tuple[tuple[pathlib.Path, ...], list[dict]]:
    """Put runs on the same data side by side, best first; write `blocks.npz`, `.csv`, `.md` and `.png`.

    Runs that differ in their seed alone share a row. The first columns are the settings in which rows differ, whatever
    they are; what all have in common is not repeated. Figures are those that `evaluate` found over the same examples
    for all: `bits_per_dim` of images, by uniform noise, `log_likelihood_nats` of points and tables, `error_percent` of
    classifiers.

    Args:
        runs: run folders of flows, or of classifiers; their `config.json` and `metrics.json` are enough.
        out: folder for the results.
        split: of which the runs were evaluated.
        alike: settings beside the seed in which runs of one row may differ, such as `("minutes", "steps")`.

    Returns:
        The four paths, and the rows. Of each the number of parameters, minutes of training, examples seen (steps
        times batch), seeds, mean figure with the standard error over seeds, `None` for one, and over examples of one
        run, and how far it is behind the best, with the standard error of that by the seeds of both; last the folders'
        names.

    Raises:
        ValueError: no run folders, runs that were not evaluated, or on different data, examples or bins.
    """
    read = _read_all(runs, split)
    rows, measure = _rows(read, split, alike), read[0].measure
    arrays = {
        measure: np.array([run.metrics[f"{split}_{measure}"] for run in read]),
        "run": np.array([run.path for run in read]),
    }
    paths = write_study(out, "blocks", arrays=arrays, rows=rows, picture=lambda file: _picture(rows, measure, file))
    return paths, rows


def rows_of_runs(
    runs: Sequence[str | os.PathLike], *, split: str = "test", alike: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The rows alone, as `blocks_table` returns them, and for the same arguments."""
    return _rows(_read_all(runs, split), split, alike)


def _read_all(paths, split):
    """What is known of runs that can be compared."""
    if not paths:
        raise ValueError("`runs` must name at least one run folder. Received: none")
    runs = [_read(path, split) for path in paths]
    _check_alike(runs, split)
    return runs


def _read(path, split):
    folder = RunFolder(path)
    if not folder.config.is_file():
        raise ValueError(f"`runs` must be run folders, or what was kept of them. Received: {path}, without config.json")
    config, metrics = folder.read_config(), folder.read_metrics()
    measure = next((one for one in _MEASURES if f"{split}_{one}" in metrics), None)
    if measure is None:
        raise ValueError(
            f"`runs` must be flows or classifiers that `keras-iresnet evaluate RUN --split {split}` has looked at. "
            f"Received: {path}, which has none of {', '.join(f'{split}_{one}' for one in _MEASURES)}"
        )
    settings = {"model": config["name"], **builder_defaults(config["name"]), **config["builder"], **config["recipe"]}
    return _Run(str(path), settings, metrics, measure)


def _check_alike(runs, split):
    """Refuse what cannot be compared."""
    for what, values in {
        "measured alike": {run.measure for run in runs},
        "on one data set": {run.settings["dataset"] for run in runs},
        "evaluated on as many examples": {_examples(run.metrics, split) for run in runs},
        "in bits/dim of as many bins": {run.metrics.get("bins") for run in runs},
        "over as many dimensions": {run.metrics.get("dimension") for run in runs},
    }.items():
        if len(values) > 1:
            raise ValueError(f"`runs` must be {what}. Received: {', '.join(map(str, sorted(values)))}")


def _examples(metrics, split):
    return metrics.get(f"{split}_images", metrics.get(f"{split}_points"))


def _rows(runs, split, alike):
    apart = {*_APART, *alike}
    groups = collections.defaultdict(list)
    for run in runs:
        settings = {field: value for field, value in run.settings.items() if field not in apart}
        groups[json.dumps(settings, sort_keys=True)].append(run)
    firsts = [group[0].settings for group in groups.values()]
    fields = [field for field in sorted({field for one in firsts for field in one}) if field not in apart]
    varied = [field for field in fields if len({_text(one.get(field)) for one in firsts}) > 1]
    measure, (_, sign) = runs[0].measure, _MEASURES[runs[0].measure]
    rows = sorted((_row(group, varied, split) for group in groups.values()), key=lambda row: sign * row[measure])
    best = rows[0]
    for row in rows:
        errors = (row["seed_standard_error"], best["seed_standard_error"])
        row["behind_the_best"] = sign * (row[measure] - best[measure])
        row["behind_standard_error"] = None if None in errors or row is best else float(np.hypot(*errors))
        row["runs"] = row.pop("runs")
    return rows


def _row(group, varied, split):
    measure = group[0].measure
    values = np.array([run.metrics[f"{split}_{measure}"] for run in group])
    metrics, settings = [run.metrics for run in group], group[0].settings
    seen = [one["steps"] * settings["batch_size"] for one in metrics]
    several = len(values) > 1
    return {
        **{field: _text(settings.get(field)) for field in varied},
        "parameters": metrics[0]["parameters"],
        "train_minutes": float(np.mean([one["train_seconds"] for one in metrics])) / 60,
        "examples_seen": round(np.mean(seen)),
        "seeds": len(values),
        measure: float(values.mean()),
        "seed_standard_error": float(values.std(ddof=1) / np.sqrt(len(values))) if several else None,
        "runs": " ".join(pathlib.Path(run.path).name for run in group),
        "example_standard_error": float(np.mean([one[f"{split}_{measure}_standard_error"] for one in metrics])),
    }


def _text(value: Any) -> str:
    """A setting as the table has it; lists of JSON and tuples alike."""
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value).lower()


def _picture(rows, measure, path):
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    varied = list(rows[0])[: list(rows[0]).index("parameters")]
    names = [", ".join(row[field] for field in varied) or "all" for row in rows]
    errors = [row["example_standard_error"] if row["seeds"] == 1 else row["seed_standard_error"] for row in rows]
    figure = Figure(figsize=(8, 1.2 + 0.4 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.errorbar([row[measure] for row in rows], range(len(rows)), xerr=errors, fmt="o", capsize=3)
    axes.set(xlabel=f"{_MEASURES[measure][0]}, with the standard error over seeds, or over examples of a single one")
    axes.set_yticks(range(len(rows)), names, fontsize="small")
    axes.invert_yaxis()
    figure.savefig(path, format="png", dpi=120)
