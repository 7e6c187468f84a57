"""Trains models that differ in one thing, for equal minutes and with about as many parameters, and tabulates the runs.

    python scripts/compare_recipes.py digits_flows --out comparisons --seeds 0,1,2
    TFDS_DATA_DIR=... python scripts/compare_recipes.py mnist_flows --out comparisons

The flows of images have each block, branch, activation, estimator and prior in turn, those of points each learning
rate; the classifiers are those of table 3 of the paper. Minutes are those of processors, see processor_minutes.py. They
count for seed 0 alone, since other work beside makes them shorter: other seeds take as many steps as that took. A run
that was interrupted goes on; one that has ended stays as it is. What tables are made of, settings and figures without
weights, is kept in zoo/comparisons.
"""

import json
import pathlib
import shlex
import shutil
import subprocess
import sys

import click

ROOT = pathlib.Path(__file__).parents[1]
KEPT = ROOT / "zoo" / "comparisons"
_PRIOR = "--prior-components 20 --prior-factors"
_AT_REST = "--prior-factors 8 --trained-prior false"
# The recipes from which one thing at a time is changed: those of the day when the comparison began.
_OF_DIGITS = "digits_flow --activation elu"
_OF_MNIST = f"mnist_flow_small {_AT_REST}"
_RIVAL = "--patience none --decay cosine --ema-momentum none"  # as our own classifiers
_DIGITS = f"--dataset digits {_RIVAL}"
_MNIST = f"--dataset mnist {_RIVAL} --augmentation shift --batch-size 32"
# Comparison -> minutes of a run, and row -> model with what differs from its recipe; widths make up for parameters.
COMPARISONS: dict[str, tuple[float, dict[str, str]]] = {
    "digits_flows": (
        5,
        {
            "residual": _OF_DIGITS,
            "implicit": f"{_OF_DIGITS} --block implicit --blocks 4,4",
            "monotone": f"{_OF_DIGITS} --block monotone",
            "densenet": f"{_OF_DIGITS} --branch densenet --channels 17",
            "lipswish": "digits_flow --activation lipswish",
            "clipswish": "digits_flow --activation clipswish --channels 39",
            "roulette": f"{_OF_DIGITS} --log-det roulette",
            "prior_trained": f"{_OF_DIGITS} {_PRIOR} 0 --trained-prior true",
            "prior_factors": f"{_OF_DIGITS} {_PRIOR} 4 --trained-prior true",
            "prior_at_rest": f"{_OF_DIGITS} {_PRIOR} 4 --trained-prior false",
        },
    ),
    "mnist_flows": (
        20,
        {
            "residual": _OF_MNIST,
            "prior_trained": "mnist_flow_small --prior-factors 0 --trained-prior true",
            "prior_factors": "mnist_flow_small --prior-factors 8 --trained-prior true",
            "implicit": f"{_OF_MNIST} --block implicit --blocks 7,3 --dense-blocks 6",
            "monotone": f"{_OF_MNIST} --block monotone",
            "densenet": f"{_OF_MNIST} --branch densenet --channels 8,16 --dense-units 10",
            "elu": f"{_OF_MNIST} --activation elu",
            "clipswish": f"{_OF_MNIST} --activation clipswish --channels 19,39 --dense-units 16",
            "roulette": f"{_OF_MNIST} --log-det roulette",
        },
    ),
    "digits_classifiers": (
        2,
        {
            "iresnet": "digits_classifier",
            "resnet": "digits_classifier --coeff none --normalization batch",
            "glow_affine": f"glow_classifier_small {_DIGITS} --blocks 2,2 --units 8,8",
            "glow_additive": f"glow_classifier_small {_DIGITS} --affine false --mixing reverse --units 13,13",
            "irevnet": f"irevnet_classifier_small {_DIGITS} --units 9,9",
        },
    ),
    "mnist_classifiers": (
        10,
        {
            "iresnet": "mnist_classifier_small",
            "resnet": "mnist_classifier_small --coeff none --normalization batch",
            "glow_affine": f"glow_classifier_small {_MNIST} --units 13,13",
            "glow_additive": f"glow_classifier_small {_MNIST} --affine false --mixing reverse --units 33,33",
            "irevnet": f"irevnet_classifier_small {_MNIST} --units 20,20",
        },
    ),
}
for _points in ("8gaussians", "checkerboard", "moons", "2spirals"):
    _rates = {f"rate_{rate}": f"toy_flow --dataset toy/{_points} --learning-rate {rate}" for rate in (0.006, 0.015)}
    COMPARISONS[f"{_points}_rates"] = (4, _rates)


def _end(first, minutes, steps):
    """Options that end a run: steps, those given or those that the run of seed 0 kept in `first` took, or minutes."""
    if not steps and (first / "metrics.json").is_file():
        steps = json.loads((first / "metrics.json").read_text())["steps"]
    return f"--steps {steps} --minutes none" if steps else f"--steps none --minutes {minutes}"


def _train(options, seed, run, end):
    """Train a run to its end, and evaluate it."""
    ends = f"--epochs none {end} --seed {seed}"
    folder = ["--resume" if run.exists() else "--out", str(run)]
    _command(["scripts/processor_minutes.py", "train", *shlex.split(f"{options} {ends}"), *folder])
    _command(["scripts/evaluate.py", str(run)])


def _command(words):
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True)


def _keep(run, kept):
    """Settings and figures of a run, in a folder of the same name."""
    kept.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "metrics.json"):
        shutil.copyfile(run / name, kept / name)


@click.command()
@click.argument("name", metavar="COMPARISON", type=click.Choice(sorted(COMPARISONS)))
@click.option("--out", required=True, type=click.Path(path_type=pathlib.Path), help="Folder of the runs.")
@click.option("--rows", help="Names, apart by commas.  [default: all]")
@click.option("--seeds", default="0", help="Apart by commas.")
@click.option("--minutes", type=float, help="Of each run of seed 0.  [default: those of the comparison]")
@click.option("--steps", type=click.IntRange(1), help="Of each run, in place of minutes.")
@click.option("--keep", default=KEPT, type=click.Path(path_type=pathlib.Path), help="Folder of what is kept.")
def main(
    name: str,
    out: pathlib.Path,
    rows: str | None,
    seeds: str,
    minutes: float | None,
    steps: int | None,
    keep: pathlib.Path,
) -> None:
    from keras_iresnet.studies.blocks_table import blocks_table

    usual, known = COMPARISONS[name]
    out, kept = (out / name).absolute(), keep / name
    for seed in map(int, seeds.split(",")):
        for row in rows.split(",") if rows else known:
            run = f"{row}-seed{seed}"
            if not (kept / run / "metrics.json").is_file():
                _train(known[row], seed, out / run, _end(kept / f"{row}-seed0", minutes or usual, steps))
                _keep(out / run, kept / run)
    paths, _ = blocks_table(
        sorted(path.parent for path in kept.glob("*/config.json")), out / "table", alike=("minutes", "steps")
    )
    click.echo("\n".join(map(str, paths)))


if __name__ == "__main__":
    main()
