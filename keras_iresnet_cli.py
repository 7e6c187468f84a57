"""The command `keras-iresnet`: list, train, evaluate, sample.

It lies beside the package, because importing any part of `keras_iresnet` starts TensorFlow, with seconds of delay and
lines on standard error. Nothing heavy is imported before a command needs it: `--help` answers at once.
"""

import contextlib
import inspect
import os
import pathlib
import re
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
        texts = set(by_model.values())
        everyone = len(texts) == 1 and len(by_model) == len(zoo.list())
        text = texts.pop() if everyone else " ".join(f"{name}: {text}" for name, text in by_model.items())
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

    table = Table("name", "data set")
    table.add_column("parameters", justify="right")
    table.add_column("expected")
    for name in zoo.list():
        recipe = zoo.get(name).recipe
        table.add_row(name, recipe.dataset, f"{recipe.parameters:,}", recipe.expected)
    Console().print(table)


@cli.command(cls=_TrainCommand)
@click.argument("name")
@click.option("--out", type=click.Path(), help="Folder of the run, new or empty.  [default: runs/NAME-<date-time>]")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
@click.option("--devices", help="Such as GPU:0,GPU:1.  [default: all visible GPUs]")
@click.option("--minutes", type=float, help="Limit of the training time.")
@click.option("--deterministic", is_flag=True, help="The same result each time, at a cost in speed.")
def train(name, out, data_dir, devices, minutes, deterministic, **fields):
    """Train the model called NAME into a run folder.

    Every field of its recipe and every keyword of its builder is an option.
    """
    _start_tensorflow_quietly()
    from keras_iresnet.training import train as run_training
    from keras_iresnet.training.run_folder import default_path

    out = default_path(name) if out is None else out
    metrics = run_training(
        name,
        out,
        data_dir=data_dir,
        overrides={field: value for field, value in fields.items() if value is not None},
        devices=devices.split(",") if devices else None,
        deterministic=deterministic,
        minutes=minutes,
    )
    _show(metrics)
    click.echo(f"Look at {pathlib.Path(out) / 'samples.png'}; everything else is in {out}{os.sep}")
    click.echo(f"Next: keras-iresnet sample {out}, or tensorboard --logdir {out}")


@cli.command()
@click.argument("run", type=click.Path())
@click.option("--split", default="test", show_default=True, help="train, validation or test.")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
@click.option("--seed", type=int, help="Seed of the noise.  [default: the recipe's]")
def evaluate(run, split, data_dir, seed):
    """Evaluate the best checkpoint of the run folder RUN; its metrics.json takes the figures."""
    _start_tensorflow_quietly()
    from keras_iresnet.training import evaluate_run

    _show(evaluate_run(run, split=split, data_dir=data_dir, seed=seed))


@cli.command()
@click.argument("run", type=click.Path())
@click.option("--n", type=int, help="How many.  [default: 64 images, or 4096 points]")
@click.option("--temperature", default=1.0, show_default=True, help="Factor of the prior's standard deviation.")
@click.option("--seed", default=0, show_default=True, help="Seed of the draw.")
@click.option("--out", type=click.Path(), help="File, .png or .npy.  [default: a .png in RUN, named by the settings]")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
def sample(run, n, temperature, seed, out, data_dir):
    """Draw samples from the best checkpoint of the run folder RUN."""
    _start_tensorflow_quietly()
    from keras_iresnet.layers.invertible import NotConvergedError
    from keras_iresnet.training import sample_run

    try:
        path = sample_run(run, n=n, temperature=temperature, seed=seed, out=out, data_dir=data_dir)
    except NotConvergedError as error:
        raise click.ClickException(str(error)) from error
    click.echo(path)


def _show(metrics):
    """Metrics as a table; a standard error stands beside its figure."""
    from rich.console import Console
    from rich.table import Table

    suffix = "_standard_error"
    table = Table("metric", "value")
    for name, value in metrics.items():
        if name.endswith(suffix):
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
