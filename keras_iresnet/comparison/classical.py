"""scikit-learn's densities of points: a Gaussian, a mixture of Gaussians, and a kernel density."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from keras_iresnet import data
from keras_iresnet.runs.point_samples import first_rows

MOST_ROWS = 10_000  # that one is fitted to: a kernel density looks at all of them for each point
_CHOSEN_BY = 500  # rows of the validation split
_COMPONENTS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 80)
_FLOORS = (1e-3, 1e-2)  # of variances, in standardised columns
_BANDWIDTHS = np.geomspace(0.02, 2, 20)


class ClassicalDensity:
    """One of scikit-learn's densities, fitted to the columns of a data set, each standardised by the training rows.

    A mixture's number and kind of components and a kernel's bandwidth are chosen by the validation split.

    Args:
        name: `"gaussian"`, `"mixture"` or `"kernel_density"`.
        splits: data of points; the first 10,000 of the training split are used.

    Attributes:
        chosen: what was chosen, in scikit-learn's words.
        parameters: how many numbers it holds; of a kernel density all of the points.

    Example:
    >>> from keras_iresnet import data
    >>> from keras_iresnet.comparison.classical import ClassicalDensity
    >>> density = ClassicalDensity("gaussian", data.load("toy/moons"))
    >>> density.log_likelihoods(np.zeros((3, 2))).shape, density.sample(5, seed=0).shape
    ((3,), (5, 2))
    """

    def __init__(self, name: str, splits: data.Splits) -> None:
        fit = _rows(splits.train, MOST_ROWS)
        self._mean, self._deviation = fit.mean(0), fit.std(0)
        standard, choose = (self._standardized(rows) for rows in (fit, _rows(splits.validation, _CHOSEN_BY)))
        # A kernel's score is the sum over rows, a mixture's the mean: neither matters to which is the largest.
        self._density = max(_CANDIDATES[name](standard), key=lambda one: one.score(choose))
        self.chosen, self.parameters = str(self._density), _parameters(self._density, standard)

    def log_likelihoods(self, points: np.ndarray) -> np.ndarray:
        """(n,) nats in the units of the columns, of points (n, columns)."""
        return self._density.score_samples(self._standardized(points)) - np.log(self._deviation).sum()

    def sample(self, n: int, seed: int) -> np.ndarray:
        """(n, columns) drawn from it."""
        if isinstance(self._density, KernelDensity):
            drawn = self._density.sample(n, random_state=seed)
        else:
            self._density.random_state = seed
            drawn = np.random.default_rng(seed).permutation(self._density.sample(n)[0])  # they come by component
        return (drawn * self._deviation + self._mean).astype(np.float32)

    def _standardized(self, points):
        return (np.asarray(points, np.float64) - self._mean) / self._deviation


def _rows(split, most):
    """The first rows of a split, once each."""
    return first_rows(split, min(most, len(split)))[0].astype(np.float64)


def _gaussian(fit):
    return [GaussianMixture(1, reg_covar=1e-6).fit(fit)]


def _mixtures(fit):
    return [
        GaussianMixture(count, covariance_type=kind, reg_covar=floor, random_state=0).fit(fit)
        for count in _COMPONENTS
        if 3 * count < len(fit)
        for kind in ("full", "diag")
        for floor in _FLOORS
    ]


def _kernels(fit):
    return [KernelDensity(bandwidth=width).fit(fit) for width in _BANDWIDTHS]


_CANDIDATES: dict[str, Callable[[np.ndarray], list[Any]]] = {
    "gaussian": _gaussian,
    "mixture": _mixtures,
    "kernel_density": _kernels,
}


def _parameters(density, fit):
    if isinstance(density, KernelDensity):
        return fit.size + 1
    columns, count = fit.shape[1], density.n_components
    spread = columns * (columns + 1) // 2 if density.covariance_type == "full" else columns
    return count * (1 + columns + spread) - 1
