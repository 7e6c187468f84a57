"""The table of README.md that says how fast the package is, written from what `scripts/benchmark.py` measured.

    python -m keras_iresnet.benchmarks.speed_table README.md

rewrites what stands between `<!-- benchmarks: written from the records -->` and `<!-- benchmarks: end -->` in a file,
from `zoo/benchmarks/`: folders called by their day, with the files of `--out`. Of files of one name the newest counts.
"""

import json
import pathlib
import sys
from typing import Any

from keras_iresnet.zoo.table import markdown, rewritten

FOLDER = pathlib.Path(__file__).parents[2] / "zoo" / "benchmarks"


def benchmark_table(folder: pathlib.Path = FOLDER) -> str:
    """One line for each way that was timed, in the order of the files' names; files that compare no ways have none.

    Args:
        folder: of folders of JSON files; by default the repository's.

    Raises:
        FileNotFoundError: there are none, as in an installed package.
    """
    newest = {file.name: file for file in sorted(folder.glob("*/*.json"))}
    if not newest:
        raise FileNotFoundError(f"{folder} must hold folders of what `scripts/benchmark.py --out` wrote")
    results = [(newest[name].parent.name, json.loads(newest[name].read_text())) for name in sorted(newest)]
    rows = [row for day, result in results if "facts" in result for row in _rows(day, result)]
    return markdown(("what", "how", "seconds", "times the first", "and"), rows)


_TOLD = ("largest_error", "steps", "passes", "bits_per_dim", "num_terms", "trace_seconds")

TABLES = {"benchmarks": benchmark_table}


def _rows(day: str, result: dict[str, Any]):
    labels = [name.removesuffix("_seconds") for name in result if name.endswith("_seconds")]
    first = labels[0]
    for label in labels:
        what = f"{result['title']} ({day})" if label == first else ""
        ratio = _ranged(result, f"{label}_over_{first}") if label != first else "1"
        told = {name: value for name, value in result["facts"][label].items() if name in _TOLD}
        facts = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in told.items())
        yield what, label.replace("_", " "), _ranged(result, f"{label}_seconds"), ratio, facts


def _ranged(result, name):
    low, high = result[f"{name}_range"]
    return f"{result[name]:.3g} ({low:.3g} to {high:.3g})"


def main(arguments: tuple[str, ...]) -> None:
    """Rewrite the table of the files that are named."""
    for name in arguments:
        file = pathlib.Path(name)
        file.write_text(rewritten(file.read_text(encoding="utf-8"), TABLES), encoding="utf-8")


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
