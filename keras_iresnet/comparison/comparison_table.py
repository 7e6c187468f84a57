"""The rows of the table: the best first, each beside what it cost, and how far it is behind."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_iresnet import data
from keras_iresnet.comparison.example_scores import mean_and_errors, standard_error
from keras_iresnet.comparison.properties import Properties
from keras_iresnet.comparison.published import published_bits, published_properties
from keras_iresnet.comparison.timings import COLUMNS

TRAITS = (*(field.name for field in dataclasses.fields(Properties)), *COLUMNS, "paper_says")


@dataclasses.dataclass(frozen=True)
class Entry:
    """What is known of a contestant.

    Args:
        name: of the contestant.
        title: as the table has it.
        scores: (seeds, examples) log-likelihoods in nats; `None` where no training came to an end.
        parameters: how many.
        runs: metrics.json of each training that came to an end, and its `learning_rate`; none of what is not trained
            by steps.
        diverged: seeds whose loss became infinite or NaN.
        traits: properties and timings, column -> value; the same columns in all that have any.
    """

    name: str
    title: str
    scores: np.ndarray | None
    parameters: int
    runs: tuple[dict[str, Any], ...] = ()
    diverged: tuple[int, ...] = ()
    traits: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def rows_of(entries: list[Entry], splits: data.Splits) -> list[dict[str, Any]]:
    """A row for each, the best first, all with the same columns; `None` where something is not known.

    `behind_best` is how much better the first row is, on the same examples, with the standard error of that over
    examples: 0 in the first.
    """
    figures = {one.name: in_unit(one.scores, splits) for one in entries if one.scores is not None}
    sign = -1 if splits.bins is None else 1  # bits/dim are better where they are lower
    ordered = sorted(entries, key=lambda one: sign * figures[one.name].mean() if one.name in figures else math.inf)
    best = figures.get(ordered[0].name)
    traits = dict.fromkeys(column for one in entries for column in one.traits)
    said = {"paper_says": None} if traits else {}
    return [
        _row(one, figures.get(one.name), best, sign, splits)
        | {**traits, **one.traits}
        | {column: published_properties().get(one.name) for column in said}
        for one in ordered
    ]


def tables_of(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The rows in two tables that one can read, by heading; columns in which nothing is known are left out.

    Example:
    >>> from keras_iresnet.comparison.comparison_table import tables_of
    >>> tables_of([{"model": "x", "seeds": 1, "steps": None, "free_form": True}])
    {'What they reached': [{'model': 'x', 'seeds': 1}], 'What they are': [{'model': 'x', 'free_form': True}]}
    """
    known = [column for column in rows[0] if any(row[column] is not None for row in rows)]
    traits = [column for column in known if column in TRAITS]
    described = [row for row in rows if any(row[column] is not None for column in traits)]
    found = {"What they reached": [{column: row[column] for column in known if column not in traits} for row in rows]}
    if described:
        found["What they are"] = [{column: row[column] for column in ("model", *traits)} for row in described]
    return found


def in_unit(scores: np.ndarray, splits: data.Splits) -> np.ndarray:
    """Nats as they are, of points, and as bits/dim, of images."""
    if splits.bins is None:
        return scores
    return math.log2(splits.bins) - scores / (math.prod(splits.event_shape) * math.log(2))


def unit_of(splits: data.Splits) -> str:
    """The name of the column that decides."""
    return "test_log_likelihood_nats" if splits.bins is None else "test_bits_per_dim"


def _row(entry, values, best, sign, splits):
    unit = unit_of(splits)
    mean, by_seed, by_example = (None,) * 3 if values is None else mean_and_errors(values)
    row = {
        "model": entry.title,
        unit: mean,
        f"{unit}_seed_standard_error": by_seed,
        f"{unit}_example_standard_error": by_example,
        "behind_best": None if values is None else float(sign * (values.mean() - best.mean())),
        "behind_best_standard_error": None if values is None else standard_error(values.mean(0) - best.mean(0)),
        "parameters": entry.parameters,
        "seeds": 0 if values is None else len(values),
        "diverged_seeds": " ".join(map(str, entry.diverged)) or None,
        "learning_rate": _mean(entry.runs, "learning_rate"),
        "steps": _mean(entry.runs, "steps"),
        "train_seconds": _mean(entry.runs, "train_seconds"),
    }
    if splits.bins is not None:
        row["paper_bits_per_dim"] = published_bits(splits.name).get(entry.name)
    return row


def _mean(runs, name):
    return float(np.mean([run[name] for run in runs])) if runs else None
