"""Writes tables to compare densities on: `python scripts/example_tables.py tables`, then `keras-iresnet compare`.

wine.csv           scikit-learn's, 178 rows of 13 columns
breast_cancer.csv  scikit-learn's, 569 rows of 30 columns
generated.csv      20,000 rows of 8 columns from a fixed generator
"""

import pathlib

import click
import numpy as np

ROWS, SEED = 20_000, 20261127
COLUMNS = ("level", "bend", "shock", "echo", "price", "wave", "quiet", "mix")


def generated_table(rows: int = ROWS, seed: int = SEED) -> np.ndarray:
    """Heavy tails, a curved dependence, two modes, columns of many units: (rows, 8) float64.

    The seed was fixed before any model saw a row.
    """
    rng = np.random.default_rng(seed)
    normal, student = rng.standard_normal((rows, 5)), rng.standard_t(3, (rows, 2))
    level = np.where(rng.random(rows) < 0.35, -2.0, 1.5) + 0.7 * normal[:, 0]
    bend = 0.5 * level**2 + 0.3 * normal[:, 1]
    shock, echo = student[:, 0], 0.8 * student[:, 0] + 0.6 * student[:, 1]
    price = np.exp(0.5 * normal[:, 2]) * (1 + 0.3 * np.abs(level))
    wave = np.sin(2 * level) + 0.4 * bend + 0.25 * normal[:, 3]
    quiet = normal[:, 4] * (0.5 + 0.5 / (1 + np.exp(-shock)))
    mix = 0.5 * price - 0.3 * quiet + 0.4 * rng.standard_t(5, rows)
    units = np.array([1.0, 10.0, 0.01, 1.0, 100.0, 1.0, 0.1, 5.0])
    return np.stack([level, bend, shock, echo, price, wave, quiet, mix], -1) * units


@click.command()
@click.argument("folder", type=click.Path(path_type=pathlib.Path))
def main(folder: pathlib.Path) -> None:
    from sklearn import datasets

    wine, cancer = datasets.load_wine(), datasets.load_breast_cancer()
    tables = {
        "wine": (wine.feature_names, wine.data),
        "breast_cancer": (cancer.feature_names, cancer.data),
        "generated": (COLUMNS, generated_table()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, (columns, rows) in tables.items():
        file = folder / f"{name}.csv"
        np.savetxt(file, rows, fmt="%.9g", delimiter=",", header=",".join(columns), comments="")
        click.echo(file)


if __name__ == "__main__":
    main()
