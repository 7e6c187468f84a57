"""Proved upper bounds of the largest eigenvalue of positive semidefinite matrices, in float64, rounding included.

Three ways, by size: all eigenvalues of small matrices; for a large one a guess, proved by a Cholesky factorisation of
what it leaves, t I - G, which succeeds in floating point only if no eigenvalue of G is above t by more than a rounding
(Rump, BIT 46, 2006); and, for a batch of which only the largest counts, repeated squaring.
"""

from typing import Any

import numpy as np
import scipy.linalg
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

_EPSILON = float(np.finfo(np.float64).eps)
_SMALL = 256  # rows up to which all eigenvalues are as fast as a guess and its proof
_MARGINS = (1e-10, 1e-7, 1e-5)  # above the guess, relative; where none is enough, all eigenvalues are taken
_RESTARTS = 30
_SQUARINGS = 60


def top_eigenvalue(gram: np.ndarray) -> float:
    """An upper bound of the largest eigenvalue, above it by little more than rounding.

    Args:
        gram: (..., n, n), real or complex, Hermitian and positive semidefinite, finite; of a batch, the largest counts.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.ops.bounds.top_eigenvalue import top_eigenvalue
    >>> print(f"{top_eigenvalue(np.diag([1.0, 4.0])):.6f}")
    4.000000
    """
    rows = gram.shape[-1]
    if gram.ndim == 2 and rows > _SMALL and np.isrealobj(gram):
        proved = _proved(gram)
        if proved is not None:
            return proved
    largest = max(float(np.linalg.eigvalsh(gram).max()), 0.0)
    return largest * (1 + 8 * rows * _EPSILON)


def _proved(gram):
    """A bound by a guess that a factorisation proves, or `None` where there was no guess to prove."""
    rows = len(gram)
    start = np.random.default_rng(0).normal(size=rows)
    try:
        guess = float(eigsh(gram, k=1, which="LA", v0=start, tol=1e-8, maxiter=_RESTARTS, return_eigenvectors=False)[0])
    except ArpackNoConvergence:
        return None
    if not guess > 0:
        return None
    for margin in _MARGINS:
        limit = guess * (1 + margin)
        rest = -gram
        rest[np.diag_indices(rows)] += limit
        try:
            scipy.linalg.cholesky(rest, lower=True, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            continue
        # The backward error of the factorisation is at most (n + 1) eps times the trace of `rest`, below n limit.
        return limit * (1 + 2 * (rows + 2) * rows * _EPSILON)
    return None


def top_eigenvalue_by_squaring(gram: np.ndarray, *, above: float = 0.0, tolerance: float = 1e-6) -> tuple[float, float]:
    """Bounds of the largest eigenvalue in a batch by Gram iteration, which drops what cannot be the largest.

    For G positive semidefinite and G_(k+1) = G_k^2 = G_k^H G_k,

        (|G_k|_F^2 / tr G_k)^(1 / 2^k)  <=  lambda(G)  <=  |G_k|_F^(1 / 2^k),

    and both sides close in on it, doubling their digits with each squaring.

    Args:
        gram: (batch, n, n), Hermitian and positive semidefinite, finite.
        above: an eigenvalue known from elsewhere: matrices that are proved not to exceed it are dropped too.
        tolerance: relative distance of the two bounds at which to stop.

    Returns:
        An upper bound, rounding included, and a lower bound, both of the largest eigenvalue and of `above`.

    Reference: Delattre et al., ICML 2023, arXiv:2305.16173, theorem 2, with the lower bound and the dropping added.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.ops.bounds.top_eigenvalue import top_eigenvalue_by_squaring
    >>> upper, lower = top_eigenvalue_by_squaring(np.stack([np.diag([1.0, 4.0]), np.eye(2)]))
    >>> bool(4.0 <= upper < 4.00001), bool(3.99999 < lower <= 4.0)
    (True, True)
    """
    rows = gram.shape[-1]
    with np.errstate(divide="ignore"):
        least = float(np.log(above))
    upper, gram = _scaled(gram, np.zeros(len(gram)), 1.0)
    for squarings in range(1, _SQUARINGS):
        lower = upper - 2.0 ** (1 - squarings) * np.log(np.maximum(np.einsum("...ii", gram).real, 1.0))
        least = max(least, float(lower.max(initial=least)))
        kept = upper > least
        upper, gram = upper[kept], gram[kept]
        if not len(upper) or upper.max() - least <= tolerance:
            break
        upper, gram = _scaled(gram @ gram, upper, 0.5**squarings)
    # A product is wrong by n roundings of |G_k|_F^2 <= n lambda(G_k^2) at most; the roots sum all steps up to one.
    slack = 1 + 16 * rows * (rows + 4) * _EPSILON
    return float(np.exp(max(upper.max(initial=least), least))) * slack, float(np.exp(least)) / slack


def _scaled(gram, logs, power):
    """Matrices of norm 1, and logarithms of the bounds to which the norms that they had belong."""
    norms = np.linalg.norm(gram, axis=(-2, -1))
    with np.errstate(divide="ignore"):
        logs = logs + power * np.log(norms)
    return logs, gram / np.where(norms > 0, norms, 1.0)[:, None, None]


def rounding_of_gram(terms: int, trace: Any) -> float:
    """How far a Gram matrix A^H A that was computed can be from the true one, in the operator norm.

    Each entry is a sum of `terms` products, wrong by at most `terms` roundings of the sum of their magnitudes; the
    Frobenius norm of that matrix of sums is at most |A|_F^2, the trace.

    Args:
        terms: numbers that are added up in an entry.
        trace: of the Gram matrix.
    """
    return 4 * (terms + 4) * _EPSILON * float(trace)
