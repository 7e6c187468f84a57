"""The files of a comparison: the table three times, the scores behind it, and the pictures."""

import csv
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_iresnet.comparison.comparison_table import Entry
from keras_iresnet.comparison.plan import Plan
from keras_iresnet.comparison.published_bits import SOURCE
from keras_iresnet.runs.machine import provenance
from keras_iresnet.runs.run_folder import replacing
from keras_iresnet.studies.study_files import markdown

NAME = "comparison"


def write_comparison(
    out: pathlib.Path, plan: Plan, entries: Sequence[Entry], rows: list[dict[str, Any]]
) -> tuple[pathlib.Path, ...]:
    """Write `comparison.csv`, `.md` and `.json`, and the scores of each example as `comparison.npz`.

    Returns:
        Their paths.
    """
    out.mkdir(parents=True, exist_ok=True)
    scores = {one.name: one.scores for one in entries if one.scores is not None}
    writers = {
        "csv": lambda file: _write_csv(file, rows),
        "md": lambda file: file.write_text(as_markdown(plan, rows)),
        "json": lambda file: file.write_text(json.dumps(_facts(plan) | {"rows": rows}, indent=2) + "\n"),
        "npz": lambda file: np.savez(file, **scores),
    }
    paths = []
    for ending, write in writers.items():
        paths.append(out / f"{NAME}.{ending}")
        with replacing(paths[-1]) as temporary:
            write(temporary)
    return tuple(paths)


def as_markdown(plan: Plan, rows: list[dict[str, Any]]) -> str:
    """The table with what one must know to read it; columns in which nothing is known are left out."""
    known = [column for column in rows[0] if any(row[column] is not None for row in rows)]
    return f"{told(plan)}\n\n{markdown([{column: row[column] for column in known} for row in rows])}"


def told(plan: Plan) -> str:
    """In a few sentences, what was compared and how to read it."""
    asked = plan.asked
    budget = " and ".join(
        f"{value:,g} {unit}" for value, unit in ((asked.steps, "steps"), (asked.minutes, "minutes")) if value
    )
    text = (
        f"{pathlib.Path(plan.splits.name).name if asked.digest else plan.splits.name}: {len(plan.splits.train):,} examples to train on, {asked.test_examples:,} held out; at "
        f"most {budget} for each model and seed. Standard errors from seeds and from examples are told apart; "
        "`behind_best` is the difference to the first row, example by example."
    )
    return text + (f" Figures of the paper: {SOURCE}." if plan.splits.bins is not None else "")


def _facts(plan):
    return {
        "dataset": plan.splits.name,
        "event_shape": list(plan.splits.event_shape),
        "bins": plan.splits.bins,
        "plan": plan.held,
        "versions": provenance.versions(),
        "package_commit": provenance.package_commit(),
        "machine": provenance.machine(),
    }


def _write_csv(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
