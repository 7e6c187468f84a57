"""Where a mixture prior begins: the clusters of the first latents, and the directions in which each is widest."""

import numpy as np

_LEAST = 0.01  # excess variance that a factor begins with: at exactly 0 it would have no gradient
_ROUNDS = 3  # in which directions and the deviations that they are relative to settle


def clustered(points: np.ndarray, count: int, factors: int) -> tuple[np.ndarray, ...]:
    """The mixture of `count` Gaussians that the clusters of points make, found by k-means.

    The factors of a cluster are the leading eigenvectors of its covariance in units of the deviations, by turns with
    the deviations that the factors leave: so likelihood is highest at rest (Joereskog, "Some contributions to maximum
    likelihood factor analysis", 1967). With fewer points than dimensions the largest eigenvalues of pure noise are far
    above its variance; what they owe to that is taken off by the asymptotic formula for spiked covariances (Baik and
    Silverstein, "Eigenvalues of large sample covariance matrices of spiked population models", 2006).

    Args:
        points: (n, D).
        count: number K of clusters.
        factors: number r of directions, below D.

    Returns:
        Centres (K, D), shares (K,), deviations (D,) and factors (K, D, r), such that the covariance of component k is
        S (I + F_k F_k^T) S with S = diag(deviations).
    """
    import sklearn.cluster  # which takes a second

    found = sklearn.cluster.KMeans(count, n_init=1, random_state=0).fit(points)
    centres, cluster = found.cluster_centers_, found.labels_
    sizes = np.bincount(cluster, minlength=count)
    apart = [points[cluster == k] - centres[k] for k in range(count)]
    # The centres were chosen to be near; so many degrees of freedom are spent.
    within = sum(np.square(part).sum(0) for part in apart) / (len(points) - count)
    deviations = _deviations(within)
    directions = np.zeros((count, points.shape[1], factors))
    for _ in range(_ROUNDS if factors else 0):
        directions = deviations[:, None] * np.stack([_wide(part / deviations, factors) for part in apart])
        explained = np.average(np.square(directions).sum(-1), axis=0, weights=sizes)
        deviations = _deviations(np.maximum(within - explained, 0.01 * within))
        directions /= deviations[:, None]
    return centres, np.maximum(sizes, 1) / len(points), deviations, directions


def _deviations(variance):
    return np.sqrt(np.maximum(variance, 1e-12))


def _wide(residuals, factors):
    """Factors F (D, r) of residuals (m, D) of mean 0, whose covariance is about v I + F F^T with some v."""
    count, dimension = len(residuals), residuals.shape[1]
    if count <= factors + 1:
        start = np.random.default_rng(0).normal(size=(dimension, factors))
        return start * np.sqrt(_LEAST / dimension)
    _, singular, directions = np.linalg.svd(residuals, full_matrices=False)
    eigenvalues = np.square(singular) / (count - 1)
    total = eigenvalues.sum()
    aspect = dimension / (count - 1)
    noise = (total - eigenvalues[:factors].sum()) / (dimension - factors)
    for _ in range(10):  # noise and excess depend on each other; three rounds settle them
        excess = _excess(eigenvalues[:factors] / noise, aspect)
        noise = total / (dimension + excess.sum())
    return directions[:factors].T * np.sqrt(noise * np.maximum(excess, _LEAST))


def _excess(ratio, aspect):
    """l - 1 of the true l whose sample eigenvalue is ratio = l (1 + aspect / (l - 1)); 0 within the noise's."""
    inner = ratio + 1 - aspect
    true = (inner + np.sqrt(np.maximum(inner**2 - 4 * ratio, 0))) / 2
    return np.where(ratio > (1 + np.sqrt(aspect)) ** 2, true - 1, 0)
