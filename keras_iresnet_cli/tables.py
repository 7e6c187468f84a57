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
        text = f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else str(value)
        error = metrics.get(name + suffix)
        table.add_row(name, text if error is None else f"{value:.4f} ± {error:.4f}")
    Console().print(table)


def show_rows(paths, rows):
    """The rows of a study as a table, and the files that it wrote."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)
    for path in paths:
        click.echo(path)
