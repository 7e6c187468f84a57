"""The files of a comparison: the table three times, the scores behind it, and the pictures."""

import csv
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_iresnet.comparison.classical import ClassicalDensity
from keras_iresnet.comparison.comparison_pictures import density_panels, likelihood_picture, sample_sheets
from keras_iresnet.comparison.comparison_table import Entry, tables_of
from keras_iresnet.comparison.html_page import html_page
from keras_iresnet.comparison.plan import Plan
from keras_iresnet.comparison.published import SOURCE
from keras_iresnet.models import Flow
from keras_iresnet.models.files.replacing import replacing
from keras_iresnet.ops.log_det import ExactLogDet
from keras_iresnet.runs.machine import provenance
from keras_iresnet.studies.study_files import markdown

NAME = "comparison"
PICTURED = 5000  # points of the plane


def write_comparison(
    out: pathlib.Path, plan: Plan, entries: Sequence[Entry], rows: list[dict[str, Any]]
) -> tuple[pathlib.Path, ...]:
    """Write `comparison.csv`, `.md` and `.json`, and the scores of each example as `comparison.npz`.

    Returns:
        Their paths.
    """
    out.mkdir(parents=True, exist_ok=True)
    scores: dict[str, Any] = {one.name: one.scores for one in entries if one.scores is not None}
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
    """The tables with what one must know to read them."""
    tables = [f"## {heading}\n\n{markdown(table)}" for heading, table in tables_of(rows).items()]
    return "\n".join([f"{told(plan)}\n", *tables])


def write_pictures(
    out: pathlib.Path,
    plan: Plan,
    rows: list[dict[str, Any]],
    flows: Mapping[str, Flow],
    classical: Mapping[str, ClassicalDensity],
) -> dict[str, pathlib.Path]:
    """Write `likelihoods.png`, and `densities.png` of the plane or `samples.png` of images; returns heading -> file.

    Args:
        out: the folder.
        plan: of the comparison.
        rows: of the table.
        flows: title -> trained flow.
        classical: title -> one of scikit-learn's densities.
    """
    splits = plan.splits
    found = {"Held-out examples": out / "likelihoods.png"}
    with replacing(found["Held-out examples"]) as temporary:
        likelihood_picture(rows, splits, temporary)
    if plan.kind == "plane":
        found["Densities"] = out / "densities.png"
        points = next(iter(splits.test.batch(PICTURED))).numpy()
        densities = {title: _log_density(flow) for title, flow in flows.items()}
        densities |= {title: of.log_likelihoods for title, of in classical.items()}
        if not densities:  # all of them diverged
            del found["Densities"]
            return found
        with replacing(found["Densities"]) as temporary:
            density_panels(densities, points, temporary)
    elif plan.kind == "images" and flows:
        found["Samples"] = out / "samples.png"
        with replacing(found["Samples"]) as temporary:
            sample_sheets(flows, splits, temporary)
    return found


def write_page(
    out: pathlib.Path, plan: Plan, rows: list[dict[str, Any]], images: Mapping[str, pathlib.Path]
) -> pathlib.Path:
    """Write `comparison.html`, which holds the pictures too; returns its path."""
    path = out / f"{NAME}.html"
    with replacing(path) as temporary:
        temporary.write_text(html_page(f"Densities of {data_name(plan)}", told(plan), tables_of(rows), images))
    return path


def _log_density(flow):
    return lambda points: flow.log_prob(points, estimator=ExactLogDet()).numpy()


def data_name(plan: Plan) -> str:
    """What the data are called: of files of one's own, without their folder."""
    name = plan.splits.name
    return pathlib.Path(name).name if plan.asked.digest else name


def told(plan: Plan) -> str:
    """In a few sentences, what was compared and how to read it."""
    asked = plan.asked
    budget = " and ".join(
        f"{value:,g} {unit}" for value, unit in ((asked.steps, "steps"), (asked.minutes, "minutes")) if value
    )
    text = (
        f"{data_name(plan)}: {len(plan.splits.train):,} examples to train on, {asked.test_examples:,} held out; at "
        f"most {budget} for each model and seed. Standard errors from seeds and from examples are told apart; "
        "`behind_best` is the difference to the first row, example by example."
    )
    return text + f" What is called the paper's is from {SOURCE}, not from here."


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
