"""Where the spread of repeated evaluations comes from: nested variance components.

    y[i, j, k] = mu + a[i] + b[i, j] + c[i, j, k]        image i, noise j within it, probe k within that

with independent a, b and c of variances A, B and C. For K probes the variance over k estimates C, and that over j of
the means over k estimates B + C / K (Searle, Casella and McCulloch, Variance Components, 1992, on nested
classifications).
"""

from typing import NamedTuple

import numpy as np


class Components(NamedTuple):
    """Variances of one evaluation of one image, between draws of its noise and of its probes.

    Attributes:
        noise: of the noise.
        probe: of the probes, as it counts in a mean over images.
        own_probe: of the probes, as it counts in the spread of the images.
    """

    noise: float
    probe: float
    own_probe: float

    @property
    def sampling(self) -> float:
        """Both."""
        return self.noise + self.probe


def components(values: np.ndarray, groups: np.ndarray | None = None) -> Components:
    """Estimate the variances within an image.

    Where the probes of a group of images depend on each other, the errors of its images partly cancel in a mean.
    `probe` is then what independent images would need to have for the same error of their mean.

    Args:
        values: (noises, probes, images), at least two noises; with one probe, nothing is random in it.
        groups: (images,) integers, the group of each, one after the other; `None` where all are independent.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.evaluation.variance import components
    >>> components(np.array([[[0.0], [2.0]], [[4.0], [6.0]]]))  # probes: 2; means 1 and 5: 8 - 2 / 2
    Components(noise=7.0, probe=2.0, own_probe=2.0)
    """
    values = np.asarray(values, np.float64)
    probes = values.shape[1]
    of_one = float(values.var(1, ddof=1).mean()) if probes > 1 else 0.0
    noise = float(values.mean(1).var(0, ddof=1).mean()) - of_one / probes
    probe = of_one if groups is None or probes < 2 else _probe_variance(values, groups)
    return Components(max(noise, 0.0), probe, of_one)


def _probe_variance(values, groups):
    """Variance of the sum over a group, for each of its images."""
    starts = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    sums = np.add.reduceat(values, starts, -1)
    return float(sums.var(1, ddof=1).sum(-1).mean()) / values.shape[-1]
