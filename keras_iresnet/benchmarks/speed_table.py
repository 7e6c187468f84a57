"""The tables that say how fast the package is, written from what `scripts/benchmark.py` measured.

    python -m keras_iresnet.benchmarks.speed_table README.md docs/devices.md

rewrites what stands between `<!-- NAME: written from the records -->` and `<!-- NAME: end -->`, for the NAMES of
`TABLES` that a file has, from `zoo/benchmarks/`: folders called by their day, with the files of `--out`. Of files of
one name the newest counts.
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
    rows = [row for day, result in _newest(folder) if "facts" in result for row in _rows(day, result)]
    return markdown(("what", "how", "seconds", "times the first", "and"), rows)


def gpu_table(folder: pathlib.Path = FOLDER) -> str:
    """One line for each model whose training step was timed on a GPU.

    Args:
        folder: as of `benchmark_table`.

    Raises:
        FileNotFoundError: as of `benchmark_table`.
    """
    timed = [result for _, result in _newest(folder) if result["machine"]["accelerators"] and "models" in result]
    rows = [_row_of_model(result, name, cost) for result in timed for name, cost in result["models"].items()]
    return markdown(("model", "batch", "GPU", "XLA", "first step, s", "a step, ms", "GPU memory, MiB"), rows)


_TOLD = ("largest_error", "steps", "passes", "bits_per_dim", "num_terms", "trace_seconds")

TABLES = {"benchmarks": benchmark_table, "gpu": gpu_table}


def _newest(folder):
    """(Day, result) of each file, in the order of the files' names."""
    newest = {file.name: file for file in sorted(folder.glob("*/*.json"))}
    if not newest:
        raise FileNotFoundError(f"{folder} must hold folders of what `scripts/benchmark.py --out` wrote")
    return [(newest[name].parent.name, json.loads(newest[name].read_text())) for name in sorted(newest)]


def _row_of_model(result, name, cost):
    """Without what was not measured."""
    first, memory = cost.get("first_step_seconds"), cost.get("peak_memory_mib")
    return (
        name,
        str(result["batch_size"]),
        result["machine"]["accelerators"][0],
        "yes" if result["jit_compile"] else "no",
        "" if first is None else f"{cost['trace_seconds'] + first:.1f}",
        f"{1000 * cost['step_seconds']:.1f}",
        "" if memory is None else f"{memory:,.0f}",
    )


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


def with_tables(text: str) -> str:
    """A text with those of `TABLES` whose marker it has, as the records have them now.

    Raises:
        ValueError: it has none.
    """
    here = {name: table for name, table in TABLES.items() if f"<!-- {name}: written from the records -->" in text}
    if not here:
        raise ValueError(f"The text must have the marker of one of the tables {', '.join(TABLES)}")
    return rewritten(text, here)


def main(arguments: tuple[str, ...]) -> None:
    """Rewrite the tables of the files that are named."""
    for name in arguments:
        file = pathlib.Path(name)
        file.write_text(with_tables(file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
