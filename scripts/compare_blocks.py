"""Trains one flow with each block, branch, activation, estimator and prior in turn, and puts the runs into one table.

    python scripts/compare_blocks.py digits --out comparisons/blocks_digits --seeds 0,1,2
    python scripts/compare_blocks.py mnist --out comparisons/blocks_mnist

Each differs from the recipe in one thing, has about as many parameters, and as many minutes of processors, see
processor_minutes.py. A run that was interrupted goes on; one that has ended stays as it is. What the table in
docs/comparison.md is made of, settings and figures without weights, is kept in zoo/comparisons. MNIST is read where
TFDS_DATA_DIR says.
"""

import pathlib
import shlex
import shutil
import subprocess
import sys

import click

ROOT = pathlib.Path(__file__).parents[1]
KEPT = ROOT / "zoo" / "comparisons"
_PRIOR = "--prior-components 20 --prior-factors"
# Data set -> row -> the options in which it differs from the recipe; the hidden channels make up for parameters.
ROWS = {
    "digits": {
        "residual": "",
        "implicit": "--block implicit --blocks 4,4",
        "monotone": "--block monotone",
        "densenet": "--branch densenet --channels 17",
        "lipswish": "--activation lipswish",
        "clipswish": "--activation clipswish --channels 39",
        "roulette": "--log-det roulette",
        "prior_trained": f"{_PRIOR} 0 --trained-prior true",
        "prior_factors": f"{_PRIOR} 4 --trained-prior true",
        "prior_at_rest": f"{_PRIOR} 4 --trained-prior false",
    },
    "mnist": {
        "residual": "",
        "prior_trained": "--prior-factors 0 --trained-prior true",
        "prior_factors": "--trained-prior true",
        "implicit": "--block implicit --blocks 7,3 --dense-blocks 6",
        "monotone": "--block monotone",
        "densenet": "--branch densenet --channels 10,17 --dense-units 16",
        "elu": "--activation elu",
        "clipswish": "--activation clipswish --channels 19,39 --dense-units 16",
        "roulette": "--log-det roulette",
    },
}
MODEL = {"digits": "digits_flow", "mnist": "mnist_flow_small"}
MINUTES = {"digits": 5, "mnist": 20}


def _train(dataset, row, seed, run, minutes):
    """Train a run to its end, and evaluate it."""
    ends = f"--epochs none --steps none --minutes {minutes} --seed {seed}"
    options = f"train {MODEL[dataset]} {ROWS[dataset][row]} {ends}"
    folder = ["--resume" if run.exists() else "--out", str(run)]
    _command(["scripts/processor_minutes.py", *shlex.split(options), *folder])
    _command(["scripts/evaluate.py", str(run)])


def _command(words):
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True)


def _keep(run, kept):
    """Settings and figures of a run, in a folder of the same name."""
    kept.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "metrics.json"):
        shutil.copyfile(run / name, kept / name)


@click.command()
@click.argument("dataset", type=click.Choice(sorted(ROWS)))
@click.option("--out", required=True, type=click.Path(path_type=pathlib.Path), help="Folder of the runs.")
@click.option("--rows", help="Names, apart by commas.  [default: all]")
@click.option("--seeds", default="0", help="Apart by commas.")
@click.option("--minutes", type=float, help="Of each run.  [default: 5 of digits, 20 of MNIST]")
@click.option("--keep", default=KEPT, type=click.Path(path_type=pathlib.Path), help="Folder of what is kept.")
def main(
    dataset: str, out: pathlib.Path, rows: str | None, seeds: str, minutes: float | None, keep: pathlib.Path
) -> None:
    from keras_iresnet.studies.blocks_table import blocks_table

    kept = keep / f"blocks_{dataset}"
    for seed in map(int, seeds.split(",")):
        for row in rows.split(",") if rows else ROWS[dataset]:
            name = f"{row}-seed{seed}"
            if not (kept / name / "metrics.json").is_file():
                run = (out / name).absolute()
                _train(dataset, row, seed, run, minutes or MINUTES[dataset])
                _keep(run, kept / name)
    paths, _ = blocks_table(sorted(path.parent for path in kept.glob("*/config.json")), out / "table")
    click.echo("\n".join(map(str, paths)))


if __name__ == "__main__":
    main()
