"""Where the spread of repeated evaluations comes from: nested variance components.

    y[i, j, k] = mu + a[i] + b[i, j] + c[i, j, k]        image i, noise j within it, probe k within that

with independent a, b and c of variances A, B and C. For K probes the variance over k estimates C, and that over j of
the means over k estimates B + C / K (Searle, Casella and McCulloch, Variance Components, 1992, on nested
classifications).
"""

from typing import NamedTuple

import numpy as np


class Components(NamedTuple):
    """Variances of one evaluation of one image, between draws of its noise and of its probes."""

    noise: float
    probe: float

    @property
    def sampling(self) -> float:
        """Both."""
        return self.noise + self.probe


def components(values: np.ndarray) -> Components:
    """Estimate the variances within an image.

    Args:
        values: (noises, probes, images), at least two noises; with one probe, nothing is random in it.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.evaluation.variance import components
    >>> components(np.array([[[0.0], [2.0]], [[4.0], [6.0]]]))  # probes: 2; means 1 and 5: 8 - 2 / 2
    Components(noise=7.0, probe=2.0)
    """
    values = np.asarray(values, np.float64)
    probes = values.shape[1]
    probe = float(values.var(1, ddof=1).mean()) if probes > 1 else 0.0
    noise = float(values.mean(1).var(0, ddof=1).mean()) - probe / probes
    return Components(max(noise, 0.0), probe)
