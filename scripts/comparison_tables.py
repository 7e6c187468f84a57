"""Writes the tables of docs/comparison.md from zoo/comparisons: `python scripts/comparison_tables.py`.

zoo/comparisons/NAME/      what `compare_recipes.py` keeps of its runs
zoo/comparisons/NAME.json  `comparison.json` of `keras-iresnet compare`; `--keep FILE --name NAME` puts it there
"""

import json
import pathlib
from typing import Any

import click

ROOT = pathlib.Path(__file__).parents[1]
KEPT, PAGE = ROOT / "zoo" / "comparisons", ROOT / "docs" / "comparison.md"
_MEANS = {"steps": ",.0f", "learning_rate": ".3g"}  # over seeds
_UNITS = {"bits_per_dim": "bits/dim", "error_percent": "% of errors", "log_likelihood_nats": "nats"}


def page(text: str) -> str:
    """The page with its tables as they are kept."""
    from keras_iresnet.zoo.table import rewritten

    folders = {path.name: _of_runs(path) for path in sorted(KEPT.iterdir()) if path.is_dir()}
    files = {path.stem: _of_rivals(json.loads(path.read_text())) for path in sorted(KEPT.glob("*.json"))}
    return rewritten(text, {name: lambda table=table: table for name, table in (folders | files).items()})


def _of_runs(folder):
    """One line a row of `compare_recipes.py`."""
    from keras_iresnet.studies.blocks_table import rows_of_runs
    from keras_iresnet.zoo.table import markdown

    rows = rows_of_runs(sorted(folder.iterdir()), alike=("minutes", "steps"))
    measure = next(name for name in _UNITS if name in rows[0])
    cells = [
        (
            f"`{row['runs'].split()[0].rpartition('-seed')[0]}`",
            _figure(row[measure], row["seed_standard_error"], row["example_standard_error"]),
            _figure(row["behind_the_best"], row["behind_standard_error"]),
            str(row["seeds"]),
            f"{row['parameters']:,}",
            f"{row['examples_seen']:,}",
        )
        for row in rows
    ]
    header = ("row", f"{_UNITS[measure]} ± seeds ± examples", "behind", "seeds", "parameters", "examples seen")
    return markdown(header, cells)


def _of_rivals(found: dict[str, Any]):
    """One line a model of `keras-iresnet compare`; what was not trained has no steps."""
    from keras_iresnet.zoo.table import markdown

    rows = found["rows"]
    measure = next(name for name in _UNITS if f"test_{name}" in rows[0])
    key = f"test_{measure}"
    cells = [
        (
            row["model"],
            _figure(row[key], row[f"{key}_seed_standard_error"], row[f"{key}_example_standard_error"]),
            _figure(row["behind_best"], row["behind_best_standard_error"]),
            str(row["seeds"] or ""),
            f"{row['parameters']:,}",
            *("" if row.get(name) is None else f"{row[name]:{form}}" for name, form in _MEANS.items()),
        )
        for row in rows
    ]
    header = ("model", f"{_UNITS[measure]} ± seeds ± examples", "behind", "seeds", "parameters", "steps", "rate")
    return markdown(header, cells)


def _figure(value, *errors):
    """With its errors, `–` for what is not known; three decimals, as the errors have."""
    if value is None:
        return "diverged"
    return " ± ".join([f"{value + 0.0:.3f}", *("–" if one is None else f"{one:.3f}" for one in errors)])


@click.command()
@click.option("--keep", type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path), help="comparison.json.")
@click.option("--name", help="Under which it is kept.")
def main(keep: pathlib.Path | None, name: str | None) -> None:
    if keep:
        if not name:
            raise click.UsageError("--keep wants a --name")
        found = json.loads(keep.read_text())
        for holder in (found, found["plan"]["asked"]):
            if pathlib.Path(holder["dataset"]).is_absolute():  # a file of one's own
                holder["dataset"] = pathlib.Path(holder["dataset"]).name
        (KEPT / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    PAGE.write_text(page(PAGE.read_text()))


if __name__ == "__main__":
    main()
