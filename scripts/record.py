"""Keeps what a run found for `keras-iresnet report`: `python scripts/record.py PATH --name NAME --command WORDS`.

PATH is the table of a study (`figures/dynamics.csv`), or a run folder, whole or as `zoo/comparisons` keeps it.
"""

import click


@click.command()
@click.argument("path", type=click.Path(exists=True))
@click.option("--name", required=True, help="Under which it is kept.")
@click.option("--command", "commands", multiple=True, required=True, help="What was typed; several in order.")
@click.option(
    "--commit", help="Of the package that ran.  [default: that which a run says, of a study that of this checkout]"
)
def main(path: str, name: str, commands: tuple[str, ...], commit: str | None) -> None:
    from keras_iresnet.report.recorded_runs import record

    click.echo(record(path, name, commands=commands, commit=commit))


if __name__ == "__main__":
    main()
