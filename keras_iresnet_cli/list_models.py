"""`list`: the models of the zoo, and what they reached."""

import textwrap

import click

from keras_iresnet_cli.group import cli
from keras_iresnet_cli.options import example
from keras_iresnet_cli.quiet import start_tensorflow_quietly

_HEADER = ("name", "data set", "parameters", "reached")


@cli.command("list", epilog=example("list"))
@click.option("--json", "as_json", is_flag=True, help="Print all that is recorded of them, as JSON.")
def list_models(as_json: bool) -> None:
    """Show the models of the zoo: one line each, with the first of the figures that it reached.

    Below them stand those that take their shape from data of your own, to be trained with --dataset, and the names of
    trained weights that come with the package.
    """
    start_tensorflow_quietly()
    from keras_iresnet import zoo

    entries = [zoo.get(name) for name in zoo.list()]
    if as_json:
        import json

        click.echo(json.dumps([_content(entry) for entry in entries], indent=2, ensure_ascii=False))
        return
    rows = [_HEADER, *(_cells(entry) for entry in entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, dataset, parameters, reached in rows:
        line = f"{name:{widths[0]}}  {dataset:{widths[1]}}  {parameters:>{widths[2]}}  {reached}"
        click.echo(line.rstrip())
    click.echo(f"\nFor data of your own:\n{textwrap.fill(', '.join(zoo.builders()), 80)}")
    click.echo(f"\nWith trained weights, ki.zoo.load(NAME):\n{textwrap.fill(', '.join(zoo.released()), 80)}")


def _cells(entry):
    from keras_iresnet.zoo.table import headline

    parameters = f"{entry.record.parameters:,}" if entry.record else ""
    figures = headline(entry)
    return entry.name, entry.recipe.dataset, parameters, str(figures[0]) if figures else "not trained"


def _content(entry):
    """The record, with what the recipe says of the data."""
    import dataclasses

    from keras_iresnet.zoo.released import released_of

    record = dataclasses.asdict(entry.record) if entry.record else {"name": entry.name}
    known = {"task": entry.task, "dataset": entry.recipe.dataset, "released": released_of(entry.name)}
    return {"name": entry.name} | known | record
