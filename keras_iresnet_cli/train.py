"""`train`: a model of the zoo, with every field of its recipe as an option."""

import os
import pathlib
from typing import Any

import click

from keras_iresnet_cli.group import cli
from keras_iresnet_cli.model_options import GroupedOption, ModelCommand
from keras_iresnet_cli.options import complete_folders, complete_models, example, json_option
from keras_iresnet_cli.quiet import start_tensorflow_quietly
from keras_iresnet_cli.tables import show_metrics


@cli.command(
    cls=ModelCommand,
    epilog=example("train digits_flow --blocks 4,4 --epochs 5 --out runs/small"),
    short_help="Train a model, or go on with a run.",
)
@click.argument("name", required=False, shell_complete=complete_models)
@click.option(
    "--out",
    type=click.Path(),
    shell_complete=complete_folders,
    help="Folder of the run, new or empty.  [default: runs/NAME-<date-time>]",
)
@click.option(
    "--resume",
    type=click.Path(),
    shell_complete=complete_folders,
    help="Folder of a run to go on with; with NAME, started where there is none.",
)
@click.option(
    "--init-from",
    type=click.Path(),
    shell_complete=complete_folders,
    help="Folder of a run of the same architecture, whose weights a new run begins with.",
)
@click.option(
    "--data-dir",
    cls=GroupedOption,
    group="data",
    type=click.Path(),
    shell_complete=complete_folders,
    help="TFDS data directory.  [default: that of the run in --resume]",
)
@click.option("--devices", help="Such as GPU:0,GPU:1.  [default: all visible GPUs]")
@click.option("--deterministic", is_flag=True, help="The same result each time, at a cost in speed.")
@json_option
def train(
    name: str,
    out: str | os.PathLike,
    resume: str | os.PathLike,
    init_from: str | os.PathLike,
    data_dir: str | os.PathLike,
    devices: str,
    deterministic: bool,
    as_json: bool,
    **fields: Any,
) -> None:
    """Train the model called NAME into a run folder, or go on with a run.

    Every field of its recipe and every keyword of its builder is an option: `keras-iresnet train NAME --help` shows
    them with the model's defaults, `keras-iresnet list` the names.
    """
    start_tensorflow_quietly()
    import shlex

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
            init_from=init_from,
            data_dir=data_dir,
            overrides={field: value for field, value in fields.items() if value is not None},
            devices=devices.split(",") if devices else None,
            deterministic=deterministic,
        )
    except TerminatedError as error:
        click.echo(f"Error: {error}", err=True)
        click.get_current_context().exit(128 + error.signal)
    out = str(out or resume)
    show_metrics({"run": out} | metrics if as_json else metrics, as_json=as_json)
    if pictures := sorted(str(path) for path in pathlib.Path(out).glob("*.png")):
        click.echo(f"Look at {' and '.join(pictures)}; everything else is in {out}{os.sep}", err=as_json)
    click.echo(f"Next: {shlex.join(['keras-iresnet', 'evaluate', out])}", err=as_json)
    click.echo(f"  or: {shlex.join(['tensorboard', '--logdir', out])}", err=as_json)
