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


def page(text: str) -> str:
    """The page with its tables as they are kept."""
    from keras_iresnet.zoo.table import rewritten

    folders = {path.name: _of_runs(path) for path in sorted(KEPT.iterdir()) if path.is_dir()}
    found = {path.stem: json.loads(path.read_text()) for path in sorted(KEPT.glob("*.json"))}
    files = {name: _of_rivals(of) for name, of in found.items()}
    files |= {f"{name}_kinds": _of_kinds(of) for name, of in found.items() if f"<!-- {name}_kinds: " in text}
    return rewritten(text, {name: lambda table=table: table for name, table in (folders | files).items()})


def _of_runs(folder):
    """One line a row of `compare_recipes.py`."""
    from keras_iresnet.comparison.short_table import UNITS, with_errors
    from keras_iresnet.studies.blocks_table import rows_of_runs
    from keras_iresnet.zoo.table import markdown

    rows = rows_of_runs(sorted(folder.iterdir()), alike=("minutes", "steps"))
    measure = next(name for name in UNITS if name in rows[0])
    cells = [
        (
            f"`{row['runs'].split()[0].rpartition('-seed')[0]}`",
            with_errors(row[measure], row["seed_standard_error"], row["example_standard_error"]),
            with_errors(row["behind_the_best"], row["behind_standard_error"]),
            str(row["seeds"]),
            f"{row['parameters']:,}",
            f"{row['examples_seen']:,}",
        )
        for row in rows
    ]
    header = ("row", f"{UNITS[measure]} ± seeds ± examples", "behind", "seeds", "parameters", "examples seen")
    return markdown(header, cells)


def _of_rivals(found: dict[str, Any]):
    """One line a model of `keras-iresnet compare`."""
    from keras_iresnet.comparison.short_table import short_rows

    return _as_markdown(short_rows(found["rows"]))


def _of_kinds(found: dict[str, Any]):
    """What each of these models is."""
    from keras_iresnet.comparison.short_table import kind_rows

    return _as_markdown(kind_rows(found["rows"]))


def _as_markdown(rows):
    from keras_iresnet.zoo.table import markdown

    return markdown(tuple(rows[0]), [tuple(row.values()) for row in rows])


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
