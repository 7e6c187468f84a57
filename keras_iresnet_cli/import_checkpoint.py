"""`import`: a run folder of a checkpoint of the authors' or of Residual Flows' code."""

from typing import Any

import click

from keras_iresnet_cli.group import cli
from keras_iresnet_cli.options import Among, complete_folders, data_dir_option, example, json_option, separated
from keras_iresnet_cli.quiet import start_tensorflow_quietly
from keras_iresnet_cli.tables import show_json, show_metrics


@cli.command(
    "import",
    epilog=example("import cifar10.safetensors --event-shape 32,32,3 --dataset cifar10 --out runs/theirs"),
    short_help="Make a run of another package's checkpoint.",
)
@click.argument("checkpoint", type=click.Path())
@click.option(
    "--out",
    "run",
    type=click.Path(),
    shell_complete=complete_folders,
    required=True,
    help="Folder of the run, new or empty.",
)
@click.option(
    "--event-shape",
    callback=separated(int),
    required=True,
    metavar="INTEGER,...",
    help="Height, width and channels of an image.",
)
@click.option(
    "--task",
    type=Among(["density", "classification"]),
    default="density",
    show_default=True,
    help="What it was trained for.",
)
@click.option("--coeff", type=float, help="Bound that norms were held at.  [default: 0.9, of residual-flows 0.98]")
@click.option(
    "--activation",
    type=Among(["elu", "relu", "softplus", "maxmin", "lipswish"]),
    help="Of the branches; maxmin is the authors' sorting.  [default: elu, lipswish where the file has its slopes]",
)
@click.option("--bins", default=256, show_default=True, help="Values of a pixel.")
@click.option(
    "--logit-alpha", default=0.05, show_default=True, help="Of residual-flows' logit; theirs has 1e-6 for MNIST."
)
@click.option(
    "--mean", callback=separated(float), metavar="FLOAT,...", help="Of each channel, taken off a classifier's images."
)
@click.option(
    "--deviation", callback=separated(float), metavar="FLOAT,...", help="Of each channel, that these are divided by."
)
@click.option("--dataset", type=click.Path(), help="What it is evaluated on, as for `train`.")
@data_dir_option
@json_option
def import_checkpoint(as_json: bool, **options: Any) -> None:
    """Make a run folder of CHECKPOINT, a state dict of the authors' invertible-resnet or of residual-flows.

    It is a file of safetensors, or of `torch.save`, of which nothing but tensors is read. `evaluate`, `certify`,
    `sample` and the rest then work as on a run of `train`.
    """
    start_tensorflow_quietly()
    from keras_iresnet.commands import import_checkpoint as import_into

    figures = import_into(**options)
    if as_json:
        show_json({"run": options["run"]} | figures)
        return
    raised = figures.pop("raised")
    show_metrics(figures)
    for block, bound in raised.items():
        held = f"is {bound:g}" if bound < 1 else "is none: a layer's norm is 1 or more"
        click.echo(f"The bound of the layers of {block} {held}, above the checkpoint's {figures['coeff']:g}", err=True)
