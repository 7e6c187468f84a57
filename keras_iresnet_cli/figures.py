"""`figures`: those of the paper, for a run or with the training that they need."""

import click

from keras_iresnet_cli.group import cli
from keras_iresnet_cli.quiet import start_tensorflow_quietly
from keras_iresnet_cli.tables import show_rows


@cli.group()
def figures():
    """Figures of the paper: for a run of yours, or with the training that they need."""


@figures.command("trace-estimator")
@click.argument("run", type=click.Path())
@click.option("--out", type=click.Path(), required=True, help="Folder for the arrays, the table and the picture.")
@click.option("--images", default=10, show_default=True, help="Test images to look at.")
@click.option("--num-terms", default=20, show_default=True, help="Terms of the series, from 1 to this.")
@click.option("--num-probes", default=100, show_default=True, help="Random probes of each image.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice of images, the noise and the probes.")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
def trace_estimator(run, **options):
    """Bias and deviation of RUN's log-det estimator by the number of terms, against brute force (figures 4, 9)."""
    start_tensorflow_quietly()
    from keras_iresnet.studies.trace_estimator import trace_estimator_run

    for path in trace_estimator_run(run, **options):
        click.echo(path)


def _overrides(ctx, parameter, words):
    """The fields of `--set NAME=VALUE`."""
    wrong = [word for word in words if "=" not in word]
    if wrong:
        raise click.BadParameter(f"must be NAME=VALUE. Received: {wrong[0]}", ctx, parameter)
    return {name.replace("-", "_"): value for name, _, value in (word.partition("=") for word in words)}


_SIZE = "digits (a minute a run), mnist (15), paper-mnist, paper-cifar10 or paper-cifar100."
_EXPERIMENT = (
    click.option("--out", type=click.Path(), required=True, help="Folder of runs and results; finished runs are kept."),
    click.option("--size", default="digits", show_default=True, help=_SIZE),
    click.option(
        "--set", "overrides", multiple=True, metavar="NAME=VALUE", callback=_overrides, help="As an option of `train`."
    ),
    click.option("--data-dir", type=click.Path(), help="TFDS data directory."),
)


def _experiment(command):
    """The options of what trains several classifiers first."""
    for option in reversed(_EXPERIMENT):
        command = option(command)
    return command


@figures.command("error-by-coeff")
@_experiment
def error_by_coeff(**options):
    """Error of a vanilla network and of c = 0.9 to 0.5, the paper's beside (table 2)."""
    start_tensorflow_quietly()
    from keras_iresnet.studies.error_by_coeff import error_by_coeff

    show_rows(*error_by_coeff(**options))


@figures.command("reconstructions")
@_experiment
@click.option("--images", default=16, show_default=True, help="Test images.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice of images.")
def reconstructions(**options):
    """Test images, and what comes back from the features at c = 0.9 and of a vanilla network (figures 3, 7)."""
    start_tensorflow_quietly()
    from keras_iresnet.studies.images_from_features import images_from_features

    show_rows(*images_from_features(**options))


@figures.command("inverse-steps")
@_experiment
@click.option("--images", default=100, show_default=True, help="Test images.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice of images.")
def inverse_steps(**options):
    """Error of reconstructions by the number of fixed-point steps, at c = 0.9 to 0.3 (figure 8)."""
    start_tensorflow_quietly()
    from keras_iresnet.studies.inverse_steps import inverse_steps

    show_rows(*inverse_steps(**options))


@figures.command("dynamics")
@click.option("--out", type=click.Path(), required=True, help="Folder for the results.")
@click.option("--size", default="minutes", show_default=True, help="tiny, minutes or paper.")
@click.option("--seed", default=0, show_default=True, help="Seed of weights, points and noise.")
def dynamics(**options):
    """Paths through an invertible and a plain 1-D network that learn x^3, then the identity (figure 1)."""
    start_tensorflow_quietly()
    from keras_iresnet.studies.dynamics import dynamics

    show_rows(*dynamics(**options))


@figures.command("hybrid")
@click.option("--out", type=click.Path(), required=True, help="Folder of the run and results; a finished run is kept.")
@click.option("--size", default="digits", show_default=True, help="digits or mnist (20 minutes).")
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", callback=_overrides, help="Of the training.")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
@click.option("--images", default=1000, show_default=True, help="Images of each kind.")
@click.option("--strange", default="fashion_mnist", show_default=True, help="Data set of the strangers.")
def hybrid(**options):
    """Error and bits/dim of one network with both heads, and how it tells strangers (section 6)."""
    start_tensorflow_quietly()
    from keras_iresnet.studies.strangers import strangers

    show_rows(*strangers(**options))


@figures.command("singular-values")
@click.argument("runs", type=click.Path(), nargs=-1)
@click.option("--out", type=click.Path(), help="Folder for the results.  [default: that of the first run]")
@click.option("--size", default="digits", show_default=True, help=_SIZE)
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", callback=_overrides, help="Of the training.")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
def singular_values(runs, out, **options):
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
    show_rows(paths, summary)
    context.exit(1 if any(row["holds"] is False for row in summary) else 0)
