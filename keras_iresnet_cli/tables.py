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
    """The rows of a study side by side, since they have more fields than a terminal has room for; and its files."""
    from rich.console import Console
    from rich.table import Table

    (first, *names), columns = rows[0], [[_shown(value) for value in row.values()] for row in rows]
    table = Table(first, *(column[0] for column in columns))
    for name, *values in zip(names, *(column[1:] for column in columns), strict=True):
        table.add_row(name, *values)
    Console().print(table)
    for path in paths:
        click.echo(path)


def _shown(value):
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
