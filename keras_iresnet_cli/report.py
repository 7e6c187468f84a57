"""`report`: every figure and table of the paper, as one page, or the commands for a cluster."""

from typing import Any

import click

from keras_iresnet_cli.group import cli
from keras_iresnet_cli.options import Among, complete_folders, data_dir_option, example, json_option
from keras_iresnet_cli.quiet import start_tensorflow_quietly
from keras_iresnet_cli.tables import show_json, show_paths, show_rows

_SMALL, _PAPER = "small", "paper"


@cli.command(epilog=example("report --out report"), short_help="Every figure and table of the paper, as one page.")
@click.option(
    "--size",
    type=Among([_SMALL, _PAPER]),
    default=_SMALL,
    show_default=True,
    help="small: the page, from released weights and recorded runs. paper: the commands for a cluster, with estimates.",
)
@click.option(
    "--out",
    type=click.Path(),
    shell_complete=complete_folders,
    help="Folder of page, arrays and pictures; what was made before from the same weights is kept.",
)
@click.option("--only", metavar="NAME,...", help="Of the exhibits, such as figure-5,table-4.  [default: all]")
@click.option(
    "--weights",
    type=click.Path(),
    shell_complete=complete_folders,
    help="Folder of presets, as `release` writes them, in place of the released ones.",
)
@data_dir_option
@click.option("--seed", default=0, show_default=True, help="Seed of the choice of images, of noise and of samples.")
@click.option("--tflops", type=float, help="Of a GPU in training, assumed; with --size paper.  [default: 15]")
@click.option("--gpus", type=int, help="That share each batch; with --size paper.  [default: 1]")
@json_option
def report(size: str, as_json: bool, tflops: float | None, gpus: int | None, **options: Any) -> None:
    """Make every figure and table of the paper that the zoo covers, and put them on one page, the paper's beside ours.

    A page of all released weights takes minutes on two cores. With `--size paper` nothing is run: the commands for the
    paper's own sizes are printed, with time and memory estimated from what the graph of a step is made of.
    """
    if size not in (_SMALL, _PAPER):
        raise click.BadParameter(f"must be {_SMALL} or {_PAPER}. Received: {size}", param_hint="--size")
    if size == _PAPER:
        _check_left_out(options)
        start_tensorflow_quietly()
        _show_plan({"tflops": tflops, "gpus": gpus}, as_json)
        return
    if tflops is not None or gpus is not None:
        raise click.UsageError("--tflops and --gpus are for --size paper.")
    if not options["out"]:
        raise click.UsageError("Give --out, a folder for the page.")
    start_tensorflow_quietly()
    from keras_iresnet.report import report as make_report

    only = options.pop("only")
    found = make_report(**options, only=only.split(",") if only else None)
    show_rows(found.paths if as_json else found.paths[:1], found.rows, as_json=as_json)


def _check_left_out(options):
    context = click.get_current_context()
    given = [name for name in options if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise click.UsageError(f"{names} must go without --size paper, which runs nothing.")


def _show_plan(options, as_json):
    """Commands that can be pasted, each job under a line of what it takes."""
    from keras_iresnet.report.paper_size import SECONDS_PER_OPERATION, TFLOPS, paper_plan

    options = {name: value for name, value in options.items() if value is not None}
    rows = paper_plan(**options)
    if as_json:
        show_json({"rows": rows})
        return
    tflops, gpus = options.get("tflops", TFLOPS), options.get("gpus", 1)
    each = f"{SECONDS_PER_OPERATION * 1e6:g} microseconds each (fitted to steps on an H200, without XLA)"
    click.echo(
        f"# Estimates, no measurements: a step takes as long as its products, {tflops:g} TFLOP/s a GPU assumed, "
        f"{gpus} GPU(s),\n# or as its operations, {each}, whichever is longer."
    )
    for row in rows:
        click.echo(f"\n# {row['makes']}: {_told(row)}")
        show_paths(row["commands"])


def _told(row):
    if row["gpu_hours"] is None:
        return "not estimated, no step of it was counted"
    steps = f"{'at most ' if row['at_most'] else ''}{row['steps']:,} steps"
    step = f"{row['tflop']:.2g} TFLOP and {row['operations']:,} operations"
    hours = f"{_hours(row['hours'])} h by its {row['bound_by']} ({_hours(row['gpu_hours'])} GPU hours)"
    return f"{row['trainings']} x {steps} of {step}: {hours}, {row['memory_gib']:.2g} GiB a GPU"


def _hours(hours):
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.2g}"
