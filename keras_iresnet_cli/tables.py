"""What commands print: tables for people, JSON for programs."""

import math
import os
from collections.abc import Sequence
from typing import Any

import click


def show_metrics(metrics: dict[str, Any], *, as_json: bool = False) -> None:
    """Metrics as a table; a standard error stands beside its figure. Or as JSON."""
    if as_json:
        show_json(metrics)
        return
    from rich.console import Console
    from rich.table import Table

    suffix = "_standard_error"
    table = Table("metric", "value")
    for name, value in metrics.items():
        if name.endswith(suffix) and name.removesuffix(suffix) in metrics:
            continue
        error = metrics.get(name + suffix)
        table.add_row(name, _shown(value) if error is None else f"{value:.4f} ± {error:.4f}")
    Console().print(table)


def show_rows(paths: Sequence[Any], rows: Sequence[dict[str, Any]], *, as_json: bool = False) -> None:
    """The rows of a study, side by side where there are fewer of them than fields; and the files that it wrote."""
    if as_json:
        show_json({"paths": paths, "rows": rows})
        return
    from rich.console import Console
    from rich.table import Table

    cells = [list(rows[0]), *([_shown(value) for value in row.values()] for row in rows)]
    if len(rows) < len(rows[0]):  # a terminal has no room for many columns
        cells = [list(column) for column in zip(*cells, strict=True)]
    table = Table(*cells[0])
    for row in cells[1:]:
        table.add_row(*row)
    Console().print(table)
    show_paths(paths)


def show_short_rows(rows: Sequence[dict[str, str]], *, beside: Sequence[str]) -> None:
    """Rows of `comparison.short_table` in 80 columns: the model, its figure, and the columns that are named."""
    from rich.console import Console
    from rich.table import Table

    model, figure, *_ = rows[0]
    table = Table(model)
    for name in (figure, *beside):
        table.add_column(name.replace(" ", "\n", 1), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(row[name] for name in (model, figure, *beside)))
    Console().print(table)


def show_paths(paths: Sequence[Any], *, as_json: bool = False) -> None:
    """The files that a command wrote, one a line."""
    if as_json:
        show_json({"paths": paths})
    else:
        click.echo("\n".join(map(str, paths)))


def show_json(content: Any) -> None:
    """Figures as JSON: numbers that are not finite, which it has not, as null."""
    import json

    click.echo(json.dumps(_plain(content), indent=2, allow_nan=False))


def _plain(value):
    """What JSON can hold: of containers, NumPy's scalars, paths and plain values."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _shown(value):
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
