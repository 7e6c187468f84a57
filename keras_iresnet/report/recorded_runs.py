"""Runs that a report does not repeat: what they found, kept small in the package, with command, commit and machine.

NAME.json   commands, commit, machine, versions, date, and the rows of the table
NAME.npz    arrays, where there are any, in single precision
"""

import csv
import dataclasses
import datetime
import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_iresnet.evaluation import pictures
from keras_iresnet.runs.machine import provenance
from keras_iresnet.runs.run_data import data_of_run
from keras_iresnet.runs.run_folder import RunFolder, replacing

RECORDED = pathlib.Path(__file__).parent / "recorded"
# Name -> what is recorded under it; `python scripts/record.py PATH --name NAME --command COMMAND` does that.
_DIGITS = "--size digits --set epochs=10 --out figures"
_GLOW = "--blocks 16 --units 64,64,64 --steps 2000 --minutes none"
_CLASSIFIER = "taskset -c 0 python scripts/compare_recipes.py digits_classifiers --out comparisons --rows"
COMMANDS = {
    "dynamics": "keras-iresnet figures dynamics --size minutes --out figures",
    "reconstructions": f"keras-iresnet figures reconstructions {_DIGITS}",
    "inverse_steps": f"keras-iresnet figures inverse-steps {_DIGITS}",
    "singular_values": f"keras-iresnet figures singular-values {_DIGITS}",
    "error_by_coeff": "keras-iresnet figures error-by-coeff --size digits --out figures/digits",
    "glow_8gaussians": f"keras-iresnet train glow --dataset toy/8gaussians {_GLOW} --out runs/glow_8gaussians",
    "glow_checkerboard": f"keras-iresnet train glow --dataset toy/checkerboard {_GLOW} --out runs/glow_checkerboard",
    "glow_moons": f"keras-iresnet train glow --dataset toy/moons {_GLOW} --out runs/glow_moons",
    "glow_classifier_affine": f"{_CLASSIFIER} glow_affine",
    "glow_classifier_additive": f"{_CLASSIFIER} glow_additive",
    "irevnet_classifier": f"{_CLASSIFIER} irevnet",
    "iresnet_classifier": f"{_CLASSIFIER} iresnet",
    "resnet_classifier": f"{_CLASSIFIER} resnet",
}
MOST_BYTES = 300_000  # of the arrays of a run
PLANE_POINTS, PLANE_CELLS = 5000, 120  # of a density in the plane
_METRICS = (
    *("parameters", "steps", "train_seconds", "test_error_percent", "test_error_percent_standard_error"),
    *("test_log_likelihood_nats", "test_log_likelihood_nats_standard_error", "test_points"),
)
_FIELDS = ("commands", "commit", "machine", "versions", "date", "rows")


@dataclasses.dataclass(frozen=True)
class Recorded:
    """What is kept of a run.

    Args:
        facts: what `NAME.json` holds.
        arrays: name -> array.
    """

    facts: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of its table."""
        return self.facts["rows"]

    @property
    def told(self) -> str:
        """Commands, commit and machine in a line."""
        machine = self.facts["machine"]
        cores = "1 core" if machine["cores"] == 1 else f"{machine['cores']} cores"
        where = f"{cores} of {machine['processor']}"
        return f"{' && '.join(self.facts['commands'])} (commit {self.facts['commit'][:7]}, {where})"


def read_recorded(path: str | os.PathLike) -> Recorded:
    """A recorded run.

    Args:
        path: of its files, without their endings.

    Raises:
        ValueError: the file has not the fields that it must.
        OSError: there is none.

    Example:
    >>> from keras_iresnet.report.recorded_runs import RECORDED, read_recorded
    >>> read_recorded(RECORDED / "dynamics").facts["commands"]
    ['keras-iresnet figures dynamics --size minutes --out figures']
    """
    path = pathlib.Path(path)
    try:
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}.json must hold JSON in UTF-8. Received: {error}") from error
    if not isinstance(facts, dict) or sorted(facts) != sorted(_FIELDS):
        received = ", ".join(facts) if isinstance(facts, dict) else facts
        raise ValueError(f"{path}.json must have {', '.join(_FIELDS)}. Received: {received}")
    arrays = path.with_suffix(".npz")
    if not arrays.is_file():
        return Recorded(facts, {})
    with np.load(arrays) as content:
        return Recorded(facts, dict(content))


def record(
    source: str | os.PathLike,
    name: str,
    *,
    commands: Sequence[str],
    commit: str | None = None,
    out: str | os.PathLike = RECORDED,
) -> pathlib.Path:
    """Keep what a run found.

    Args:
        source: the table `.csv` of a study, beside its arrays; or a run folder, of a classifier or of a flow of points;
            settings and figures of a classifier's, as `zoo/comparisons` keeps them, are enough.
        name: under which it is kept.
        commands: what was typed, in order.
        commit: of the package that ran; by default that which a run says, for a study that which is imported now.
        out: folder of recorded runs.

    Returns:
        Path of the JSON file.

    Raises:
        ValueError: none of these, a run that has not ended, or arrays that are not small.
    """
    source, file = pathlib.Path(source), pathlib.Path(out) / name
    if source.suffix == ".csv":
        return keep(file, *_study(source), commands=commands, commit=commit)
    run = RunFolder(source) if RunFolder(source).begun else RunFolder.open(source)  # which says what it is not
    config = run.read_config()
    where = {"commit": commit or config["package_commit"], "date": config["started"].partition("T")[0]}
    return keep(
        file, *_run(run), commands=commands, where=where | {key: config[key] for key in ("machine", "versions")}
    )


def keep(
    path: str | os.PathLike,
    rows: Sequence[Mapping[str, Any]],
    arrays: Mapping[str, np.ndarray] | None = None,
    *,
    commands: Sequence[str],
    commit: str | None = None,
    where: Mapping[str, Any] | None = None,
) -> pathlib.Path:
    """Write the files of a recorded run: what `record` does with what a command found.

    Args:
        path: of its files, without their endings.
        rows: of the table.
        arrays: name -> array.
        commands: what was typed.
        commit: of the package; by default that which is imported now.
        where: `commit`, `machine`, `versions` and `date` of what ran; by default this machine, now.

    Returns:
        Path of the JSON file.
    """
    here = where or {
        "commit": commit or provenance.package_commit(),
        "machine": provenance.machine(),
        "versions": provenance.versions(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    content = {"commands": list(commands)} | {key: here[key] for key in _FIELDS if key in here}
    content["rows"] = [dict(row) for row in rows]
    file = pathlib.Path(path).with_suffix(".json")
    file.parent.mkdir(parents=True, exist_ok=True)
    if arrays:
        _write_arrays(file.with_suffix(".npz"), arrays)
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return file


def _write_arrays(path, arrays):
    small = {name: x.astype(np.float32) if x.dtype == np.float64 else x for name, x in arrays.items()}
    with replacing(path) as temporary:
        np.savez_compressed(temporary, **small)
        if temporary.stat().st_size > MOST_BYTES:
            size = temporary.stat().st_size
            raise ValueError(f"`source` must have arrays of {MOST_BYTES:,} bytes at most. Received: {size:,}")


def _study(source):
    """Rows and arrays of what a study wrote."""
    with source.open(newline="") as file:
        rows = [{column: _value(text) for column, text in row.items()} for row in csv.DictReader(file)]
    with np.load(source.with_suffix(".npz")) as content:
        return rows, dict(content)


def _run(run):
    """The row of what a run reached, and arrays."""
    metrics = run.read_metrics()
    if not metrics:
        raise ValueError(f"`source` must be a run that has ended. Received: {str(run.path)!r}, without figures")
    row = {"model": run.read_config()["name"], **{key: metrics[key] for key in _METRICS if key in metrics}}
    return [row], _density(run) if "test_log_likelihood_nats" in metrics else {}


def _density(run):
    """Of a flow of points in the plane: its density over the square that holds the test points, and that square."""
    points = next(iter(data_of_run(run, data_dir=None).test.batch(PLANE_POINTS))).numpy()
    panels = pictures.plane_panels(run.load_best(), points, points, resolution=PLANE_CELLS)
    return {"density": panels.density.astype(np.float16), "extent": np.array(panels.extent)}


def _value(text):
    """What a cell of a CSV file was written from."""
    if text in ("", "True", "False"):
        return {"": None, "True": True, "False": False}[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
