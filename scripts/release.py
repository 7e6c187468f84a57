"""Puts a run's model among those that ship with the package: `python scripts/release.py RUN [--name NAME]`.

For whoever makes a release, in a checkout; `keras-iresnet release` makes a preset of anybody's own.
"""

import pathlib

import click

from keras_iresnet_cli.options import data_dir_option, dataset_option


@click.command()
@click.argument("run")
@click.option("--name", help="Of what is released.  [default: the model's]")
@dataset_option
@data_dir_option
def main(run: str, **options: str | None) -> None:
    from keras_iresnet.commands import release_into

    facts = release_into(run, repository=pathlib.Path(__file__).parents[1], **options)
    click.echo(f"{facts['name']}: {facts['bytes']:,} bytes, {facts['sha256']}")


if __name__ == "__main__":
    main()
