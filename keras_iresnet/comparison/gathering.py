"""What is found out of densities that are trained: scores of held-out examples, properties, timings."""

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_iresnet.comparison.classical import ClassicalDensity
from keras_iresnet.comparison.comparison_table import Entry
from keras_iresnet.comparison.contestants import title_of
from keras_iresnet.comparison.example_scores import flow_scores, kept
from keras_iresnet.comparison.plan import Plan
from keras_iresnet.comparison.properties import EXAMPLES, properties_of
from keras_iresnet.comparison.timings import timings_of
from keras_iresnet.models.files.replacing import replacing
from keras_iresnet.runs.run_folder import RunFolder


def trained_entry(name: str, plan: Plan, runs: Mapping[int, RunFolder | None], progress: bool) -> Entry:
    """A trained contestant, evaluated run by run; its properties are those of the first.

    Args:
        name: of the contestant.
        plan: of the comparison.
        runs: seed -> its run, `None` where the loss became infinite or NaN.
        progress: whether to show bars.
    """
    examples = plan.asked.test_examples
    ended = [run for _, run in sorted(runs.items()) if run is not None]

    def scored(run):
        return lambda: flow_scores(run.load_best(), plan.splits, examples, progress=progress)

    scores = [kept(run.path / "comparison_scores.npy", scored(run), examples) for run in ended]
    return Entry(
        name,
        title_of(name),
        np.stack(scores) if scores else None,
        plan.parameters(name),
        tuple(run.read_metrics() | {"learning_rate": run.read_config()["recipe"]["learning_rate"]} for run in ended),
        tuple(seed for seed in sorted(runs) if runs[seed] is None),
        _properties(ended[0], plan) if ended else {},
    )


def classical_entry(name: str, density: ClassicalDensity, plan: Plan, out: pathlib.Path) -> Entry:
    """One of scikit-learn's, fitted anew each time: nothing of it is kept but the scores."""
    examples = plan.asked.test_examples
    points = next(iter(plan.splits.test.batch(examples))).numpy()
    scores = kept(out / "scores" / f"{name}.npy", lambda: density.log_likelihoods(points), examples)
    return Entry(name, title_of(name), scores[None], density.parameters)


def timings_in(out: pathlib.Path, plan: Plan, runs: Mapping[str, RunFolder], pairs: int) -> dict[str, dict[str, float]]:
    """Timings of one run of each contestant, all of them in turn; those in the folder where the same were timed."""
    asked = {"models": sorted(runs), "pairs": pairs, "compiled": True}  # files of before are of eager calls
    if not runs or not pairs:
        return {}

    def measure():
        flows = {name: run.load_best() for name, run in runs.items()}
        return asked | {"found": timings_of(flows, plan.splits, plan.recipe, pairs=pairs)}

    return _kept_json(out / "timings.json", measure, lambda found: all(found.get(key) == asked[key] for key in asked))[
        "found"
    ]


def _properties(run, plan):
    def find():
        examples = next(iter(plan.splits.test.batch(EXAMPLES))).numpy()
        return properties_of(run.load_best(), examples).columns()

    return _kept_json(run.path / "comparison_properties.json", find, lambda found: True)


def _kept_json(path: pathlib.Path, find: Callable[[], dict], usable: Callable[[dict], bool]) -> dict[str, Any]:
    """What is in the file, if that will do, else what is found, and written there."""
    if path.is_file():
        known = json.loads(path.read_text())
        if usable(known):
            return known
    found = find()
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(found, indent=2) + "\n")
    return found
