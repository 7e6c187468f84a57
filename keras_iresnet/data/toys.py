"""Densities in the plane that flows are shown on, in the scaling of FFJORD's experiments (arXiv:1810.01367).

Every sampler draws independent points, so that any part of a sample is a sample. Two densities are known in
closed form, and are exactly those of the points drawn: the eight Gaussians and the checkerboard.
"""

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_iresnet.data.pipeline import Splits

_TRAIN, _VALIDATION, _TEST = 250_000, 10_000, 20_000

_ANGLES = np.arange(8) * np.pi / 4
_CENTRES = 4 / np.sqrt(2) * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=-1)  # (8, 2)
_STANDARD_DEVIATION = 0.5 / np.sqrt(2)
_SQUARES = 8  # of side 2, in [-4, 4]^2


def names() -> list[str]:
    """Names of the toys, sorted.

    Example:
    >>> from keras_iresnet.data import toys
    >>> toys.names()
    ['2spirals', '8gaussians', 'checkerboard', 'moons', 'pinwheel', 'rings']
    """
    return sorted(_SAMPLERS)


def sample(name: str, n: int, seed: int | np.random.SeedSequence) -> np.ndarray:
    """Draws independent points.

    Args:
        name: one of `names()`.
        n: number of points.
        seed: the same seed gives the same points.

    Returns:
        float32 `(n, 2)`.

    Raises:
        ValueError: no toy has that name, or `n` is not positive.

    Example:
    >>> from keras_iresnet.data import toys
    >>> toys.sample("moons", 1000, seed=0).shape
    (1000, 2)
    """
    sampler = _known(_SAMPLERS, name, "a toy")
    if n < 1:
        raise ValueError(f"`n` must be at least 1. Received: n={n}")
    return sampler(np.random.default_rng(seed), n).astype(np.float32)


def log_prob(name: str, x: np.ndarray) -> np.ndarray:
    """The true log-density, where it has a closed form.

    Args:
        name: `"8gaussians"` or `"checkerboard"`.
        x: points `(..., 2)`.

    Returns:
        float64 `(...)`, in nats; minus infinity outside the checkerboard's squares.

    Raises:
        ValueError: no closed form is known for that name, or `x` is not of points in the plane.

    Example:
    >>> from keras_iresnet.data import toys
    >>> toys.log_prob("checkerboard", [[1.0, 1.0], [1.0, 3.0]]).round(4)
    array([-3.4657,    -inf])
    """
    density = _known(_LOG_PROBS, name, "a toy with a density in closed form")
    x = np.asarray(x, np.float64)
    if x.ndim == 0 or x.shape[-1] != 2:
        raise ValueError(f"`x` must have shape (..., 2). Received: x.shape={x.shape}")
    return density(x)


def entropy(name: str) -> float:
    """The differential entropy in nats, -E[log p(x)], where the density has a closed form.

    ln 32 for the checkerboard; for the eight Gaussians an integral on a grid, right to 1e-9.

    Raises:
        ValueError: no closed form is known for that name.

    Example:
    >>> from keras_iresnet.data import toys
    >>> [round(toys.entropy(name), 4) for name in ("8gaussians", "checkerboard")]
    [2.8316, 3.4657]
    """
    return _known(_ENTROPIES, name, "a toy with a density in closed form")()


def true_mean_log_prob(name: str) -> float:
    """What a perfect model's mean log-likelihood would be, in nats: minus `entropy(name)`."""
    return -entropy(name)


def load(name: str, seed: int = 0) -> Splits:
    """A toy as `Splits` of float32 `(2,)` points: 250,000 to train on, 10,000 to validate, 20,000 to test.

    Args:
        name: one of `names()`.
        seed: of the training points, which are `sample(name, 250_000, seed)`. The others are the same for every
            seed, so that figures of different runs can be compared.

    Example:
    >>> from keras_iresnet.data import toys
    >>> splits = toys.load("rings", seed=1)
    >>> splits.name, splits.event_shape, splits.bins, len(splits.test)
    ('toy/rings', (2,), None, 20000)
    """
    held_out = [np.random.SeedSequence(0, spawn_key=(stream,)) for stream in (1, 2)]  # no integer seed's stream
    seeds: tuple[int | np.random.SeedSequence, ...] = (seed, *held_out)
    points = [sample(name, n, s) for n, s in zip((_TRAIN, _VALIDATION, _TEST), seeds, strict=True)]
    train, validation, test = map(tf.data.Dataset.from_tensor_slices, points)
    return Splits(f"toy/{name}", (2,), None, train, validation, test)


def _known(table: dict[str, Callable], name: str, what: str) -> Callable:
    if name not in table:
        raise ValueError(f"`name` must be {what}: one of {', '.join(sorted(table))}. Received: name={name!r}")
    return table[name]


def _polar(radius: np.ndarray | float, angle: np.ndarray) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def _sample_moons(rng: np.random.Generator, n: int) -> np.ndarray:
    # scikit-learn's make_moons spaces its points evenly along the arcs: its small samples are no sample.
    arc = _polar(1.0, rng.uniform(0, np.pi, n))
    lower = rng.integers(2, size=(n, 1)) == 1
    points = np.where(lower, [1.0, 0.5] - arc, arc) + 0.1 * rng.standard_normal((n, 2))
    return 2 * points - [1.0, 0.2]


def _sample_eight_gaussians(rng: np.random.Generator, n: int) -> np.ndarray:
    return _CENTRES[rng.integers(8, size=n)] + _STANDARD_DEVIATION * rng.standard_normal((n, 2))


def _sample_rings(rng: np.random.Generator, n: int) -> np.ndarray:
    radius = 0.75 * rng.integers(1, 5, size=n)  # four circles, equally likely
    return _polar(radius, rng.uniform(0, 2 * np.pi, n)) + 0.08 * rng.standard_normal((n, 2))


def _sample_pinwheel(rng: np.random.Generator, n: int) -> np.ndarray:
    # Five Gaussian blades, long along the radius, each point turned by an angle that grows with its radius.
    along = 1 + 0.3 * rng.standard_normal(n)
    across = 0.1 * rng.standard_normal(n)
    turn = 2 * np.pi / 5 * rng.integers(5, size=n) + 0.25 * np.exp(along)
    return 2 * (_polar(along, -turn) + _polar(across, np.pi / 2 - turn))


def _sample_checkerboard(rng: np.random.Generator, n: int) -> np.ndarray:
    column = rng.integers(-2, 2, size=n)
    row = 2 * rng.integers(-1, 1, size=n) + column % 2
    # Odd multiples of 2^-20: float32 holds them exactly, and rounding moves none out of its square.
    inside = (2 * rng.integers(2**20, size=(n, 2)) + 1) / 2**20
    return 2 * np.stack([column, row], axis=-1) + inside


def _sample_two_spirals(rng: np.random.Generator, n: int) -> np.ndarray:
    # An Archimedean spiral of one and a half turns, widened by a uniform square, and its mirror image.
    angle = 3 * np.pi * np.sqrt(rng.random(n))
    arm = _polar(angle, np.pi - angle) + 0.5 * rng.random((n, 2))
    side = 2 * rng.integers(2, size=(n, 1)) - 1
    return side * arm / 3 + 0.1 * rng.standard_normal((n, 2))


def _log_prob_eight_gaussians(x: np.ndarray) -> np.ndarray:
    # ln (1/8 sum_k N(x; centre_k, s^2 I))
    square = np.sum((x[..., None, :] - _CENTRES) ** 2, axis=-1)
    exponents = -0.5 * square / _STANDARD_DEVIATION**2
    return np.logaddexp.reduce(exponents, axis=-1) - np.log(8 * 2 * np.pi * _STANDARD_DEVIATION**2)


def _log_prob_checkerboard(x: np.ndarray) -> np.ndarray:
    square = np.floor(x / 2)
    inside = np.all(np.abs(square + 0.5) < 2, axis=-1) & (square.sum(axis=-1) % 2 == 0)
    return np.where(inside, -np.log(4.0 * _SQUARES), -np.inf)


@functools.cache
def _entropy_eight_gaussians() -> float:
    # The integral of -p ln p by the trapezoid rule, which converges exponentially for an analytic integrand that
    # vanishes at the ends: 10 standard deviations beyond the centres, in steps of a tenth of one.
    reach = np.abs(_CENTRES).max() + 10 * _STANDARD_DEVIATION
    step = 0.1 * _STANDARD_DEVIATION
    axis = np.arange(-reach, reach, step)
    log_p = _log_prob_eight_gaussians(np.stack(np.meshgrid(axis, axis), axis=-1))
    return float(-np.sum(np.exp(log_p) * log_p) * step**2)


_SAMPLERS = {
    "2spirals": _sample_two_spirals,
    "8gaussians": _sample_eight_gaussians,
    "checkerboard": _sample_checkerboard,
    "moons": _sample_moons,
    "pinwheel": _sample_pinwheel,
    "rings": _sample_rings,
}
_LOG_PROBS = {"8gaussians": _log_prob_eight_gaussians, "checkerboard": _log_prob_checkerboard}
_ENTROPIES: dict[str, Callable[[], float]] = {
    "8gaussians": _entropy_eight_gaussians,
    "checkerboard": lambda: float(np.log(4 * _SQUARES)),
}
