"""A table of 20,000 rows from a fixed generator: heavy tails, a curved dependence, two modes, columns of many units."""

import numpy as np

ROWS, SEED = 20_000, 20261127
COLUMNS = ("level", "bend", "shock", "echo", "price", "wave", "quiet", "mix")


def generated_table(rows: int = ROWS, seed: int = SEED) -> np.ndarray:
    """(rows, 8) float64; the seed was fixed before any model saw a row."""
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
