"""`train`: a model of the zoo, with every field of its recipe as an option."""

import inspect
import os
import pathlib
import re
import signal

import click

from keras_iresnet_cli.group import cli
from keras_iresnet_cli.quiet import start_tensorflow_quietly
from keras_iresnet_cli.tables import show_metrics


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
    start_tensorflow_quietly()
    from keras_iresnet import zoo
    from keras_iresnet.runs.settings import option, overridable

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


@cli.command(cls=_TrainCommand)
@click.argument("name", required=False)
@click.option("--out", type=click.Path(), help="Folder of the run, new or empty.  [default: runs/NAME-<date-time>]")
@click.option(
    "--resume", type=click.Path(), help="Folder of a run to go on with; with NAME, started where there is none."
)
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.  [default: that of the run in --resume]")
@click.option("--devices", help="Such as GPU:0,GPU:1.  [default: all visible GPUs]")
@click.option("--deterministic", is_flag=True, help="The same result each time, at a cost in speed.")
def train(name, out, resume, data_dir, devices, deterministic, **fields):
    """Train the model called NAME into a run folder, or go on with a run.

    Every field of its recipe and every keyword of its builder is an option.
    """
    start_tensorflow_quietly()
    from keras_iresnet.runs import TerminatedError
    from keras_iresnet.runs import train as run_training
    from keras_iresnet.runs.run_folder import default_path

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
    show_metrics(metrics)
    if pictures := sorted(str(path) for path in pathlib.Path(out).glob("*.png")):
        click.echo(f"Look at {' and '.join(pictures)}; everything else is in {out}{os.sep}")
    click.echo(f"Next: keras-iresnet evaluate {out}, or tensorboard --logdir {out}")
