"""`compare`: several densities on one data set, in one table."""

from typing import Any

import click

from keras_iresnet_cli.group import cli
from keras_iresnet_cli.options import complete_folders, data_dir_option, example, json_option, separated, set_option
from keras_iresnet_cli.quiet import start_tensorflow_quietly
from keras_iresnet_cli.tables import show_paths, show_rows, show_short_rows


@cli.command(
    epilog=example("compare toy/checkerboard --models iresnet,glow --minutes 10 --out comparisons/checkerboard"),
    short_help="Train several densities on one data set, in one table.",
)
@click.argument("dataset", type=click.Path(), metavar="DATA")
@click.option(
    "--out",
    type=click.Path(),
    shell_complete=complete_folders,
    required=True,
    help="Folder of runs and results; what has ended is kept, what was interrupted goes on.",
)
@click.option(
    "--models",
    callback=separated(str),
    metavar="NAME,...",
    help="Of iresnet, nice, real_nvp, glow, irevnet, made, maf, ffjord; of points and tables also gaussian, mixture, "
    "kernel_density.  [default: all]",
)
@click.option("--steps", type=int, help="Steps of each training.")
@click.option("--minutes", type=float, help="Minutes of each training.  [default: 5 where there are no --steps]")
@click.option(
    "--seeds",
    callback=separated(int),
    default="0",
    show_default=True,
    metavar="INTEGER,...",
    help="Seeds, each a training of each model; the test split stays.",
)
@click.option("--parameters", type=int, help="Of each model, about.  [default: those of a middling i-ResNet]")
@click.option(
    "--blocks",
    type=int,
    help="Layers of each model; of images in each scale, where it has scales.  [default: 16 in the plane, 6, or 8]",
)
@click.option("--test-examples", type=int, help="Held-out examples.  [default: up to 10,000 points or 1,000 images]")
@click.option("--pairs", default=5, show_default=True, help="How often each is timed, in turns; 0 for no timings.")
@set_option
@data_dir_option
@json_option
def compare(dataset: str, out: str, as_json: bool, **options: Any) -> None:
    """Train several kinds of densities on DATA alike, and evaluate them on the same held-out examples.

    DATA is a toy, digits, a TFDS image set, a folder of pictures, an array or a table. Models have about as many
    parameters, by their widths, and the same budget and recipe. --blocks counts the layers of each kind: of images NICE
    and MAF have as many in all, Real NVP as many with each of its masks; MADE has one, FFJORD one a scale.
    """
    start_tensorflow_quietly()
    from keras_iresnet.comparison import compare as run_comparison
    from keras_iresnet.comparison.short_table import SHOWN, short_rows
    from keras_iresnet.runs import TerminatedError

    try:
        paths, rows = run_comparison(dataset, out, **options)
    except TerminatedError as error:
        click.echo(f"Error: {error}", err=True)
        click.get_current_context().exit(128 + error.signal)
    if as_json:
        show_rows(paths, rows, as_json=True)
    else:
        show_short_rows(short_rows(rows), beside=SHOWN)
        show_paths(paths)
    if all(row["behind_best"] is None for row in rows):
        click.echo(
            "Error: Every training diverged, at lower rates too, and no model has a figure. "
            "Try a lower --set learning_rate=..., in another --out.",
            err=True,
        )
        click.get_current_context().exit(1)
