"""The table of a comparison as one reads it: each figure with its errors in one cell, and what it cost."""

from collections.abc import Mapping, Sequence
from typing import Any

UNITS = {"bits_per_dim": "bits/dim", "error_percent": "% of errors", "log_likelihood_nats": "nats"}
SHOWN = ("behind", "parameters")  # beside model and figure, where there are 80 columns
_MEANS = {"steps": ("steps", ",.0f"), "seconds": ("train_seconds", ",.0f"), "rate": ("learning_rate", ".3g")}


def short_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """One line a model, column -> text; what was not trained has no steps, seconds and rate.

    Args:
        rows: of `Comparison`, or of `comparison.json`.

    Example:
    >>> from keras_iresnet.comparison import compare
    >>> from keras_iresnet.comparison.short_table import short_rows
    >>> found = compare("toy/moons", "short", models=["gaussian"], test_examples=200, pairs=0)
    >>> [(row["model"], row["behind"], row["parameters"]) for row in short_rows(found.rows)]
    [('Gaussian', '0.000 ± 0.000', '5')]
    """
    measure = next(name for name in UNITS if f"test_{name}" in rows[0])
    key = f"test_{measure}"
    return [
        {
            "model": row["model"],
            f"{UNITS[measure]} ± seeds ± examples": with_errors(
                row[key], row[f"{key}_seed_standard_error"], row[f"{key}_example_standard_error"]
            ),
            "behind": with_errors(row["behind_best"], row["behind_best_standard_error"]),
            "seeds": str(row["seeds"] or ""),
            "parameters": f"{row['parameters']:,}",
        }
        | {name: "" if row.get(of) is None else f"{row[of]:{form}}" for name, (of, form) in _MEANS.items()}
        for row in rows
    ]


def kind_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What each model is, where that was found; columns of `comparison.properties.Properties` as text.

    Example:
    >>> from keras_iresnet.comparison.short_table import kind_rows
    >>> kind_rows([{"model": "x", "layer": None}])
    []
    """
    return [
        {
            "model": row["model"],
            "layer": row["layer"],
            "free-form": _yes(row["free_form"]),
            "volume kept": _yes(row["volume_preserving"]),
            "log-det": row["likelihood"],
            "off by, nats": f"{row['log_det_error_nats']:.1g} ± {row['log_det_standard_error_nats']:.1g}",
            "inverse steps": f"{row['inverse_steps']:,.4g}",
            "passes forward": f"{row['forward_passes']:,.4g}",
            "passes back": f"{row['inverse_passes']:,.4g}",
        }
        for row in rows
        if row.get("layer") is not None
    ]


def with_errors(value: float | None, *errors: float | None) -> str:
    """A figure with its errors, `–` for what is not known; three decimals, as the errors have.

    Example:
    >>> from keras_iresnet.comparison.short_table import with_errors
    >>> with_errors(2.0, None, 0.0125), with_errors(None)
    ('2.000 ± – ± 0.013', 'diverged')
    """
    if value is None:
        return "diverged"
    return " ± ".join([f"{value + 0.0:.3f}", *("–" if one is None else f"{one:.3f}" for one in errors)])


def _yes(value):
    return "yes" if value else "no"
