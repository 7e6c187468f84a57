"""Held-out log-likelihood of `tabular_flow`, by default settings, beside a Gaussian, a mixture and a kernel density.

    python scripts/tabular_rivals.py wine --seeds 0 1 2 3 4

The mixture's number of components and kind, and the kernel's bandwidth, are chosen by the validation split, on columns
that are standardised by the training split, as the flow's early stopping is. Figures are nats per row in units of these
standardised columns, over the test rows of all seeds, each with a standard error; differences are row by row.
"""

import argparse
import csv
import json
import pathlib
import sys
import tempfile

import numpy as np
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from keras_iresnet import data
from keras_iresnet.evaluation.log_likelihood import log_likelihoods
from keras_iresnet.runs import RunFolder, train

ROOT = pathlib.Path(__file__).parents[1]
COMPONENTS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 80)
SHARES = {"wine": 0.2, "breast_cancer": 0.2, "generated": 0.1}  # of the rows, for validation and as many for the test


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(SHARES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="Seeds of the split.")
    options = parser.parse_args()
    found: dict[str, list] = {}
    with tempfile.TemporaryDirectory() as folder:
        table = written(options.name, pathlib.Path(folder))
        for seed in options.seeds:
            reading = {"test_share": SHARES[options.name], "validation_share": SHARES[options.name], "split_seed": seed}
            for model, values in compared(table, reading, pathlib.Path(folder, str(seed))).items():
                found.setdefault(model, []).append(values)
    rows = {model: np.concatenate(values) for model, values in found.items()}
    flow = rows.pop("tabular_flow")
    print(json.dumps({"tabular_flow": told(flow)} | {model: told(values, flow) for model, values in rows.items()}))


def written(name: str, folder: pathlib.Path) -> pathlib.Path:
    """The table as a file."""
    if name == "generated":
        sys.path.insert(0, str(ROOT / "tests" / "helpers"))
        from generated_table import COLUMNS, generated_table

        columns, rows = COLUMNS, generated_table()
    else:
        bunch = {"wine": load_wine, "breast_cancer": load_breast_cancer}[name]()
        columns, rows = bunch.feature_names, bunch.data
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows.tolist()])
    return path


def compared(table: pathlib.Path, reading: dict, out: pathlib.Path) -> dict[str, np.ndarray]:
    """Log-likelihoods of the test rows under each model, in nats of standardised columns."""
    splits = data.load(table, **reading)
    parts = [np.stack(list(part.as_numpy_iterator())) for part in (splits.train, splits.validation, splits.test)]
    mean, deviation = parts[0].mean(0), parts[0].std(0)
    fit, choose, test = ((part.astype(float) - mean) / deviation for part in parts)
    metrics = train("tabular_flow", out, overrides={"dataset": str(table), **reading}, progress=False)
    print({key: metrics[key] for key in ("epochs", "best_epoch", "train_seconds", "parameters")}, file=sys.stderr)
    flow = RunFolder(out).load_best()
    in_units = log_likelihoods(flow, splits.test.batch(1000), progress=False) + np.log(deviation.astype(float)).sum()
    mixtures = [
        GaussianMixture(count, covariance_type=kind, reg_covar=floor, random_state=0).fit(fit)
        for count in COMPONENTS
        if 3 * count < len(fit)
        for kind in ("full", "diag")
        for floor in (1e-3, 1e-2)
    ]
    kernels = [KernelDensity(bandwidth=width).fit(fit) for width in np.geomspace(0.05, 2, 20)]
    best = {"mixture": mixtures, "kernel density": kernels, "Gaussian": [GaussianMixture(1).fit(fit)]}
    # A kernel's score is the sum over rows, a mixture's the mean: neither matters to which is the largest.
    chosen = {model: max(known, key=lambda one: one.score(choose[:500])) for model, known in best.items()}
    print({model: str(one) for model, one in chosen.items()}, file=sys.stderr)
    return {"tabular_flow": in_units} | {model: one.score_samples(test) for model, one in chosen.items()}


def told(values: np.ndarray, flow: np.ndarray | None = None) -> dict:
    """Mean and standard error; of a rival, also by how much the flow is better, row by row."""
    figures = {"nats": mean_and_error(values), "rows": len(values)}
    return figures if flow is None else figures | {"flow is better by": mean_and_error(flow - values)}


def mean_and_error(values: np.ndarray) -> list[float]:
    return [round(float(values.mean()), 3), round(float(values.std(ddof=1) / np.sqrt(len(values))), 3)]


if __name__ == "__main__":
    main()
