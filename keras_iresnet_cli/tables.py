"""What commands print."""

import click


def show_metrics(metrics):
    """Metrics as a table; a standard error stands beside its figure."""
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


def show_rows(paths, rows):
    """The rows of a study, side by side where there are fewer of them than fields; and the files that it wrote."""
    from rich.console import Console
    from rich.table import Table

    cells = [list(rows[0]), *([_shown(value) for value in row.values()] for row in rows)]
    if len(rows) < len(rows[0]):  # a terminal has no room for many columns
        cells = list(zip(*cells, strict=True))
    table = Table(*cells[0])
    for row in cells[1:]:
        table.add_row(*row)
    Console().print(table)
    for path in paths:
        click.echo(path)


def _shown(value):
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
