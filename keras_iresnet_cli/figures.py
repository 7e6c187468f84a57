"""`figures`: those of the paper, for a run or with the training that they need."""

from collections.abc import Sequence
from typing import Any

import click

from keras_iresnet_cli.group import cli
from keras_iresnet_cli.options import (
    Among,
    complete_folders,
    data_dir_option,
    example,
    json_option,
    run_argument,
    set_option,
)
from keras_iresnet_cli.quiet import start_tensorflow_quietly
from keras_iresnet_cli.tables import show_paths, show_rows


@cli.group(epilog=example("figures error-by-coeff --out figures/digits"), short_help="Figures and tables of the paper.")
def figures() -> None:
    """Figures of the paper: for a run of yours, or with the training that they need."""


def _command(name, words, short_help):
    """A figure called `name`, with an example, and a line in the list of figures."""
    return figures.command(name, epilog=example(f"figures {name} {words}"), short_help=short_help)


def _out_option(text, *, required=True):
    return click.option("--out", type=click.Path(), shell_complete=complete_folders, required=required, help=text)


def _size_option(names, text):
    return click.option("--size", type=Among(names), default=names[0], show_default=True, help=text)


_classifiers_option = _size_option(
    ["digits", "mnist", "paper-mnist", "paper-cifar10", "paper-cifar100"],
    "Which classifiers to train: digits takes a minute a run, mnist 15, the paper's need a GPU.",
)


def _experiment(command):
    """The options of what trains several classifiers first."""
    for option in (data_dir_option, set_option, _classifiers_option):
        command = option(command)
    return _out_option("Folder of runs and results; finished runs are kept.")(command)


@_command("trace-estimator", "runs/digits --out figures", "Bias and deviation of the log-det estimator.")
@run_argument
@_out_option("Folder for the arrays, the table and the picture.")
@click.option("--images", default=10, show_default=True, help="Test images to look at.")
@click.option("--num-terms", default=20, show_default=True, help="Terms of the series, from 1 to this.")
@click.option("--num-probes", default=100, show_default=True, help="Random probes of each image.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice of images, the noise and the probes.")
@data_dir_option
@json_option
def trace_estimator(run: str, as_json: bool, **options: Any) -> None:
    """Bias and deviation of RUN's log-det estimator by the number of terms, against brute force (figures 4, 9)."""
    start_tensorflow_quietly()
    from keras_iresnet.studies.trace_estimator import trace_estimator_run

    paths = trace_estimator_run(run, **options)
    show_paths(paths, as_json=as_json)


@_command("error-by-coeff", "--out figures/digits --size digits", "Error by the constraint's coefficient.")
@_experiment
@json_option
def error_by_coeff(as_json: bool, **options: Any) -> None:
    """Error of a vanilla network and of c = 0.9 to 0.5, the paper's beside (table 2)."""
    start_tensorflow_quietly()
    from keras_iresnet.studies.error_by_coeff import error_by_coeff

    show_rows(*error_by_coeff(**options), as_json=as_json)


@_command("reconstructions", "--out figures/digits --images 8", "Test images and what comes back from features.")
@_experiment
@click.option("--images", default=16, show_default=True, help="Test images.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice of images.")
@json_option
def reconstructions(as_json: bool, **options: Any) -> None:
    """Test images, and what comes back from the features at c = 0.9 and of a vanilla network (figures 3, 7)."""
    start_tensorflow_quietly()
    from keras_iresnet.studies.images_from_features import images_from_features

    show_rows(*images_from_features(**options), as_json=as_json)


@_command("inverse-steps", "--out figures/digits --set epochs=10", "Error of reconstructions by fixed-point steps.")
@_experiment
@click.option("--images", default=100, show_default=True, help="Test images.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice of images.")
@json_option
def inverse_steps(as_json: bool, **options: Any) -> None:
    """Error of reconstructions by the number of fixed-point steps, at c = 0.9 to 0.3 (figure 8)."""
    start_tensorflow_quietly()
    from keras_iresnet.studies.inverse_steps import inverse_steps

    show_rows(*inverse_steps(**options), as_json=as_json)


@_command("dynamics", "--out figures/dynamics --size tiny", "Paths through 1-D networks.")
@_out_option("Folder for the results.")
@_size_option(["minutes", "tiny", "paper"], "How large the networks are and how long they learn.")
@click.option("--seed", default=0, show_default=True, help="Seed of weights, points and noise.")
@json_option
def dynamics(as_json: bool, **options: Any) -> None:
    """Paths through an invertible and a plain 1-D network that learn x^3, then the identity (figure 1)."""
    start_tensorflow_quietly()
    from keras_iresnet.studies.dynamics import dynamics

    show_rows(*dynamics(**options), as_json=as_json)


@_command("hybrid", "--out figures/hybrid --images 300", "Density and classes on one network; strangers.")
@_out_option("Folder of the run and results; a finished run is kept.")
@_size_option(["digits", "mnist"], "What to train on: digits takes a minute, mnist 20.")
@set_option
@data_dir_option
@click.option("--images", default=1000, show_default=True, help="Images of each kind.")
@click.option("--strange", default="fashion_mnist", show_default=True, help="Data set of the strangers.")
@json_option
def hybrid(as_json: bool, **options: Any) -> None:
    """Error and bits/dim of one network with both heads, and how it tells strangers (section 6)."""
    start_tensorflow_quietly()
    from keras_iresnet.studies.strangers import strangers

    show_rows(*strangers(**options), as_json=as_json)


@_command("blocks", "runs/residual runs/monotone --out figures", "Runs that differ in their blocks, in one table.")
@click.argument("runs", type=click.Path(), nargs=-1, required=True, shell_complete=complete_folders)
@_out_option("Folder for the results.")
@click.option("--split", default="test", show_default=True, help="Split that the runs were evaluated on.")
@json_option
def blocks(runs: Sequence[str], out: str, split: str, as_json: bool) -> None:
    """Bits/dim of the run folders RUNS side by side, best first: blocks, activations, estimators, or what differs.

    Of points and tables nats, of classifiers the errors in %. Runs that differ in their seed alone share a row. All
    must have been evaluated on the same examples.
    """
    start_tensorflow_quietly()
    from keras_iresnet.studies.blocks_table import blocks_table

    show_rows(*blocks_table(runs, out, split=split), as_json=as_json)


@_command("singular-values", "runs/digits runs/vanilla --out figures", "Largest singular value of every layer.")
@click.argument("runs", type=click.Path(), nargs=-1, shell_complete=complete_folders)
@_out_option("Folder for the results.  [default: that of the first run]", required=False)
@_classifiers_option
@set_option
@data_dir_option
@json_option
def singular_values(runs: Sequence[str], out: str, as_json: bool, **options: Any) -> None:
    """Largest singular value of every layer of the run folders RUNS, by brute force (figure 6).

    Without RUNS, of a vanilla network, one with batch normalisation and c = 0.3 to 0.9, which are trained into OUT
    first. Exit status 1 where a layer stands above 1.01 coeff.
    """
    if not runs and not out:
        raise click.UsageError("Give run folders, or --out for an experiment of its own.")
    context = click.get_current_context()
    given = any(context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT for name in options)
    if runs and given:
        raise click.UsageError("--size, --set and --data-dir are for the training: they must go without RUNS.")
    start_tensorflow_quietly()
    from keras_iresnet.studies.singular_values import singular_values_runs, singular_values_sweep

    paths, summary = singular_values_runs(runs, out) if runs else singular_values_sweep(out, **options)
    show_rows(paths, summary, as_json=as_json)
    context.exit(1 if any(row["holds"] is False for row in summary) else 0)
