"""What several commands take: a run, the data directory, JSON, fields to set, names out of a few, lists; an example."""

import pathlib
from collections.abc import Callable
from typing import Any

import click


class Among(click.Choice):
    """A few names, shown and completed; what the command calls refuses others, in its own words."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value as it is."""
        return value


def complete_folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Let the shell offer its folders."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="dir")]


def complete_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Let the shell offer released models, and its folders where none is meant."""
    from click.shell_completion import CompletionItem

    names = _names_of_files("released/*/config.json", lambda file: file.parent.name)
    return [CompletionItem(name) for name in names if name.startswith(incomplete)] or complete_folders(
        ctx, param, incomplete
    )


def complete_models(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Let the shell offer the zoo's models that have a record: its files have their names, TensorFlow is not needed."""
    from click.shell_completion import CompletionItem

    names = _names_of_files("zoo/records/*.json", lambda file: file.stem)
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _names_of_files(pattern: str, name_of: Callable[[pathlib.Path], str]) -> list[str]:
    """Names that files of the package have."""
    import importlib.util

    package = importlib.util.find_spec("keras_iresnet")
    folders = (package and package.submodule_search_locations) or ()
    return sorted(name_of(file) for folder in folders for file in pathlib.Path(folder).glob(pattern))


def example(words: str) -> str:
    """The end of a command's help: `keras-iresnet WORDS`, to be pasted."""
    return f"\b\nExample:\n  keras-iresnet {words}"


def separated(kind: Callable[[str], Any]) -> Callable[..., Any]:
    """The callback of an option of several words, separated by commas, each of which stands for a `kind`."""

    def read(ctx, parameter, text):
        try:
            return text if text is None else tuple(kind(part) for part in text.split(","))
        except ValueError as error:
            raise click.BadParameter(f"must be separated by commas. Received: {text}", ctx, parameter) from error

    return read


def _overrides(ctx, parameter, words):
    """The fields of `--set NAME=VALUE`."""
    wrong = [word for word in words if "=" not in word]
    if wrong:
        raise click.BadParameter(f"must be NAME=VALUE. Received: {wrong[0]}", ctx, parameter)
    return {name.replace("-", "_"): value for name, _, value in (word.partition("=") for word in words)}


run_argument = click.argument("run", type=click.Path(), shell_complete=complete_runs)
data_dir_option = click.option(
    "--data-dir", type=click.Path(), shell_complete=complete_folders, help="TFDS data directory."
)
dataset_option = click.option(
    "--dataset", type=click.Path(), help="Where files of your own are now, if they were moved.  [default: the run's]"
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, alone on standard output; null for NaN and infinity."
)
set_option = click.option(
    "--set", "overrides", multiple=True, metavar="NAME=VALUE", callback=_overrides, help="As an option of `train`."
)
