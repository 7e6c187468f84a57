"""The command `keras-iresnet`: list, train, evaluate, certify, sample and more.

It lies beside the package, because importing any part of `keras_iresnet` starts TensorFlow, with seconds of delay and
lines on standard error. Nothing heavy is imported before a command needs it: `--help` answers at once.
"""

import contextlib
import inspect
import os
import pathlib
import re
import signal
import sys
import tempfile

import click


class _Group(click.Group):
    """Reports what a user can mend as one message, without a traceback."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click ends quietly when the reader of our output has gone
            raise
        except (ValueError, OSError, FloatingPointError) as error:
            if ctx.params["debug"]:
                raise
            failure = click.ClickException(str(error))
            failure.exit_code = 2
            raise failure from error


@click.group(cls=_Group, context_settings={"token_normalize_func": lambda token: token.replace("_", "-")})
@click.version_option(package_name="keras-iresnet")
@click.option("--debug", is_flag=True, help="Show tracebacks and TensorFlow's start-up messages.")
def cli(**_):
    """Invertible residual networks: train models of the zoo, evaluate them, sample from them."""


class _TrainCommand(click.Command):
    """Takes every recipe field and every builder keyword of the zoo as an option."""

    def get_params(self, ctx):
        if not hasattr(self, "_fields"):
            self._fields = [click.Option([name], help=text, metavar="VALUE") for name, text in _field_options()]
        return [*self.params, *self._fields, *super().get_params(ctx)[len(self.params) :]]

    def parse_args(self, ctx, args):
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            known = sorted(
                option for parameter in self.get_params(ctx) for option in parameter.opts if option[0] == "-"
            )
            raise click.UsageError(f"{error.format_message()} Options are: {', '.join(known)}", ctx) from error


def _field_options():
    """(option, help) of every field that a model of the zoo lets override."""
    _start_tensorflow_quietly()
    from keras_iresnet import zoo
    from keras_iresnet.training.settings import option, overridable

    said = {}
    for name in zoo.list():
        described = _arguments(zoo.get(name).builder) | _arguments(zoo.Recipe)
        for field in overridable(name):
            said.setdefault(field, {})[name] = described.get(field, "see the builder.")
    for field, by_model in said.items():
        sharing = {}
        for name, text in by_model.items():
            sharing.setdefault(text, []).append(name)
        text = next(iter(sharing))
        if len(sharing) > 1 or len(by_model) == 1:
            text = " ".join(f"{', '.join(names)}: {text}" for text, names in sharing.items())
        yield f"--{option(field)}", text


def _arguments(documented):
    """Argument -> its description, from the Args section of a docstring."""
    found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", inspect.getdoc(documented), re.M)
    return {name: " ".join(text.split()).replace("`", "") for name, text in found}


@cli.command("list")
def list_models():
    """Show the models of the zoo."""
    _start_tensorflow_quietly()
    from rich.console import Console
    from rich.table import Table

    from keras_iresnet import zoo

    table = Table()
    for column in ("name", "data set", "parameters"):
        table.add_column(column, justify="right" if column == "parameters" else "left", no_wrap=True)
    table.add_column("published")
    table.add_column("expected")
    for name in zoo.list():
        recipe = zoo.get(name).recipe
        table.add_row(name, recipe.dataset, f"{recipe.parameters:,}", recipe.published, recipe.expected)
    Console().print(table)


@cli.command(cls=_TrainCommand)
@click.argument("name", required=False)
@click.option("--out", type=click.Path(), help="Folder of the run, new or empty.  [default: runs/NAME-<date-time>]")
@click.option(
    "--resume", type=click.Path(), help="Folder of a run to go on with; with NAME, started where there is none."
)
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
@click.option("--devices", help="Such as GPU:0,GPU:1.  [default: all visible GPUs]")
@click.option("--deterministic", is_flag=True, help="The same result each time, at a cost in speed.")
def train(name, out, resume, data_dir, devices, deterministic, **fields):
    """Train the model called NAME into a run folder, or go on with a run.

    Every field of its recipe and every keyword of its builder is an option.
    """
    _start_tensorflow_quietly()
    from keras_iresnet.training import TerminatedError
    from keras_iresnet.training import train as run_training
    from keras_iresnet.training.run_folder import default_path

    if out is None and resume is None and name is not None:
        out = default_path(name)
    try:
        metrics = run_training(
            name,
            out,
            resume=resume,
            data_dir=data_dir,
            overrides={field: value for field, value in fields.items() if value is not None},
            devices=devices.split(",") if devices else None,
            deterministic=deterministic,
        )
    except TerminatedError as error:
        failure = click.ClickException(str(error))
        failure.exit_code = 128 + signal.SIGTERM
        raise failure from error
    out = out or resume
    _show(metrics)
    click.echo(f"Look at {pathlib.Path(out) / 'samples.png'}; everything else is in {out}{os.sep}")
    click.echo(f"Next: keras-iresnet sample {out}, or tensorboard --logdir {out}")


@cli.command()
@click.argument("run", type=click.Path())
@click.option("--split", default="test", show_default=True, help="train, validation or test.")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
@click.option("--seed", type=int, help="Seed of noise and probes.  [default: the recipe's]")
@click.option("--bias", type=float, help="Bits/dim that cutting the log-det series may cost, proved.  [default: 1e-4]")
@click.option(
    "--standard-error", type=float, help="Bits/dim, standard error from noise and probes to reach.  [default: 1e-3]"
)
@click.option(
    "--num-terms", type=int, help="Terms of the series, whatever its bias.  [default: as many as --bias needs]"
)
@click.option("--max-passes", type=int, help="Limit of how often all images are evaluated.  [default: 100]")
def evaluate(run, split, data_dir, seed, **protocol):
    """Evaluate the best checkpoint of the run folder RUN; its metrics.json takes the figures."""
    _start_tensorflow_quietly()
    from keras_iresnet.training import evaluate_run

    protocol = {name: value for name, value in protocol.items() if value is not None}
    _show(evaluate_run(run, split=split, data_dir=data_dir, seed=seed, **protocol))


@cli.command()
@click.argument("run", type=click.Path())
def certify(run):
    """Prove the best checkpoint of the run folder RUN invertible: a bound for each layer and each block.

    Exit status 1 where the bounds do not prove it.
    """
    _start_tensorflow_quietly()
    import keras_iresnet
    from keras_iresnet.training import RunFolder

    report = keras_iresnet.certify(RunFolder.open(run).load_best())
    click.echo(report)
    click.get_current_context().exit(0 if report.invertible else 1)


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
    _start_tensorflow_quietly()
    from keras_iresnet.training import trace_estimator_run

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


def _show_study(paths, rows):
    from rich.console import Console
    from rich.table import Table

    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)
    for path in paths:
        click.echo(path)


@figures.command("error-by-coeff")
@_experiment
def error_by_coeff(**options):
    """Error of a vanilla network and of c = 0.9 to 0.5, the paper's beside (table 2)."""
    _start_tensorflow_quietly()
    from keras_iresnet.training.error_by_coeff import error_by_coeff

    _show_study(*error_by_coeff(**options))


@figures.command("reconstructions")
@_experiment
@click.option("--images", default=16, show_default=True, help="Test images.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice of images.")
def reconstructions(**options):
    """Test images, and what comes back from the features at c = 0.9 and of a vanilla network (figures 3, 7)."""
    _start_tensorflow_quietly()
    from keras_iresnet.training.reconstructions import reconstructions

    _show_study(*reconstructions(**options))


@figures.command("inverse-steps")
@_experiment
@click.option("--images", default=100, show_default=True, help="Test images.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice of images.")
def inverse_steps(**options):
    """Error of reconstructions by the number of fixed-point steps, at c = 0.9 to 0.3 (figure 8)."""
    _start_tensorflow_quietly()
    from keras_iresnet.training.inverse_steps import inverse_steps

    _show_study(*inverse_steps(**options))


@figures.command("dynamics")
@click.option("--out", type=click.Path(), required=True, help="Folder for the results.")
@click.option("--size", default="minutes", show_default=True, help="tiny, minutes or paper.")
@click.option("--seed", default=0, show_default=True, help="Seed of weights, points and noise.")
def dynamics(**options):
    """Paths through an invertible and a plain 1-D network that learn x^3, then the identity (figure 1)."""
    _start_tensorflow_quietly()
    from keras_iresnet.training.dynamics import dynamics

    _show_study(*dynamics(**options))


@figures.command("hybrid")
@click.option("--out", type=click.Path(), required=True, help="Folder of the run and results; a finished run is kept.")
@click.option("--size", default="digits", show_default=True, help="digits or mnist (20 minutes).")
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", callback=_overrides, help="Of the training.")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
@click.option("--images", default=1000, show_default=True, help="Images of each kind.")
@click.option("--strange", default="fashion_mnist", show_default=True, help="Data set of the strangers.")
def hybrid(**options):
    """Error and bits/dim of one network with both heads, and how it tells strangers (section 6)."""
    _start_tensorflow_quietly()
    from keras_iresnet.training.hybrid import hybrid

    _show_study(*hybrid(**options))


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
    _start_tensorflow_quietly()
    from keras_iresnet.training.singular_values import singular_values_runs, singular_values_sweep

    if not runs and not out:
        raise click.UsageError("Give run folders, or --out for an experiment of its own.")
    paths, summary = singular_values_runs(runs, out) if runs else singular_values_sweep(out, **options)
    _show_study(paths, summary)
    click.get_current_context().exit(1 if any(row["holds"] is False for row in summary) else 0)


@cli.command()
@click.argument("run", type=click.Path())
@click.option("--n", type=int, help="How many.  [default: 64 images, 10 of each class, or 4096 points]")
@click.option("--label", type=int, help="Class to draw, of a run of p(x | c).  [default: all, one row a class]")
@click.option("--temperature", default=1.0, show_default=True, help="Factor of the prior's standard deviation.")
@click.option("--seed", default=0, show_default=True, help="Seed of the draw.")
@click.option("--out", type=click.Path(), help="File, .png or .npy.  [default: a .png in RUN, named by the settings]")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
def sample(run, **options):
    """Draw samples from the best checkpoint of the run folder RUN."""
    _start_tensorflow_quietly()
    from keras_iresnet.layers.invertible import NotConvergedError
    from keras_iresnet.training import sample_run

    try:
        click.echo(sample_run(run, **options))
    except NotConvergedError as error:
        raise click.ClickException(str(error)) from error


@cli.command()
@click.argument("run", type=click.Path())
@click.option("--n", default=32, show_default=True, help="How many images.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice and of the noise.")
@click.option("--out", type=click.Path(), help="File, .png or .npy.  [default: a .png in RUN, named by the seed]")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
def reconstruct(run, n, seed, out, data_dir):
    """Invert the best checkpoint of RUN on test images: originals above what comes back, and how it went."""
    _start_tensorflow_quietly()
    from keras_iresnet.training import reconstruct_run

    path, figures = reconstruct_run(run, n=n, seed=seed, out=out, data_dir=data_dir)
    _show(figures)
    click.echo(path)


@cli.command()
@click.argument("run", type=click.Path())
@click.option("--pairs", default=8, show_default=True, help="How many paths, one a row.")
@click.option("--steps", default=9, show_default=True, help="Images of a path, both ends among them.")
@click.option("--method", default="spherical", show_default=True, help="spherical or linear.")
@click.option("--temperature", default=1.0, show_default=True, help="Factor of the distance from the prior's mean.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice and of the noise.")
@click.option("--out", type=click.Path(), help="File, .png or .npy.  [default: a .png in RUN, named by the settings]")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
def interpolate(run, **options):
    """Walk between test images in the latent space of the best checkpoint of RUN."""
    _start_tensorflow_quietly()
    from keras_iresnet.layers.invertible import NotConvergedError
    from keras_iresnet.training import interpolate_run

    try:
        click.echo(interpolate_run(run, **options))
    except NotConvergedError as error:
        raise click.ClickException(str(error)) from error


def _show(metrics):
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


def _start_tensorflow_quietly():
    """Import TensorFlow and let it find its devices, holding its start-up lines back unless that fails.

    Some of them come before TensorFlow reads TF_CPP_MIN_LOG_LEVEL, straight to file descriptor 2.
    """
    if "tensorflow" in sys.modules or click.get_current_context().find_root().params["debug"]:
        return
    with _held_back(2):
        import tensorflow as tf

        if "TF_CONFIG" not in os.environ:  # several machines are to be joined before any device is used
            from keras_iresnet.training.threads import settle_threads

            settle_threads()  # once there are devices, it is too late
            tf.config.list_logical_devices()


@contextlib.contextmanager
def _held_back(descriptor):
    """Keep what is written to a file descriptor; let it out only if the body raises."""
    with tempfile.TemporaryFile() as kept:
        original = os.dup(descriptor)
        os.dup2(kept.fileno(), descriptor)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(original, kept.read())
            raise
        finally:
            os.dup2(original, descriptor)
            os.close(original)


def main(arguments=None):
    """Run the command line; environment variables that the user set hold."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # warnings and errors of TensorFlow's C++ alone
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    cli(arguments)


if __name__ == "__main__":
    main()
