"""Rigorous bounds: what no estimate, however unconverged, can undercut. NumPy in float64, not for graphs."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from keras_iresnet.ops.bounds.top_eigenvalue import rounding_of_gram, top_eigenvalue

_TAIL_TERMS = 10**6


def matrix_norm(matrix: Any) -> float:
    """The norm of a matrix, rounded up; infinite where an entry is not finite.

    Args:
        matrix: (inputs, outputs), or a batch of them (..., inputs, outputs), whose largest norm is meant.

    Example:
    >>> from keras_iresnet.ops.bounds import matrix_norm
    >>> print(f"{matrix_norm([[3.0, 0.0], [4.0, 0.0]]):.3f}")
    5.000
    """
    matrix = np.asarray(matrix)
    matrix = matrix.astype(np.complex128 if np.iscomplexobj(matrix) else np.float64)
    if not np.isfinite(matrix).all():
        return math.inf
    transposed = np.conj(np.swapaxes(matrix, -1, -2))
    gram = matrix @ transposed if matrix.shape[-2] <= matrix.shape[-1] else transposed @ matrix
    trace = np.square(np.abs(matrix)).sum((-2, -1)).max()
    return math.sqrt(top_eigenvalue(gram) + rounding_of_gram(max(matrix.shape[-2:]), trace))


def series_bias(lip: float, num_terms: int, dimension: int) -> float:
    """How far the series of log|det(I + J)|, cut after n terms, can be from it.

        |sum_(k>n) (-1)^(k+1) tr(J^k) / k|  <=  D sum_(k>n) L^k / k  =  -D (ln(1 - L) + sum_(k<=n) L^k / k)

    Args:
        lip: L >= |J| in the operator norm.
        num_terms: n.
        dimension: D of the square J.

    Returns:
        Nats; infinite for L >= 1.

    Raises:
        ValueError: a negative or undefined `lip`.

    Reference: Behrmann et al., ICML 2019, theorem 3.

    Example:
    >>> from keras_iresnet.ops.bounds import series_bias
    >>> print(f"{series_bias(0.5, 1, 1):.4f}")  # ln 2 - 1/2
    0.1931
    """
    if not lip >= 0:
        raise ValueError(f"`lip` must be at least 0. Received: lip={lip!r}")
    if lip >= 1:
        return math.inf
    # Taken from ln(1 - L), all digits of a short tail would cancel: it is summed, until nothing changes any more.
    count = min(math.ceil(40 / (1 - lip)), _TAIL_TERMS)
    last = num_terms + count
    k = np.arange(num_terms + 1, last + 1, dtype=np.float64)
    rest = lip ** (last + 1) / ((last + 1) * (1 - lip))  # more than all terms beyond
    direct = -math.log1p(-lip) - float(np.sum(lip ** np.arange(1.0, num_terms + 1) / np.arange(1.0, num_terms + 1)))
    tail = float(np.sum(lip**k / k)) + rest
    # Both are bounds; next to 1 the tail is long, and then nothing cancels in the other.
    return dimension * (min(tail, direct) if count == _TAIL_TERMS else tail)


def terms_for_bias(lips: Iterable[float], dimensions: Iterable[int], nats: float) -> int:
    """The smallest number of terms for which the bias of all blocks together is certainly at most `nats`.

    Args:
        lips: Lipschitz bound of each block, all below 1.
        dimensions: of each block.
        nats: what the sum of the blocks' `series_bias` may be, positive.

    Raises:
        ValueError: no number of terms is enough, because a bound is not below 1 or `nats` is not positive.

    Example:
    >>> from keras_iresnet.ops.bounds import terms_for_bias
    >>> terms_for_bias([0.5, 0.5], [10, 10], 0.01)
    8
    """
    lips, dimensions = list(lips), list(dimensions)
    if not nats > 0 or not all(lip < 1 for lip in lips):
        raise ValueError(f"`nats` must be positive and every Lipschitz bound below 1. Received: nats={nats}, {lips=}")

    def enough(num_terms):
        blocks = zip(lips, dimensions, strict=True)
        return math.fsum(series_bias(lip, num_terms, dimension) for lip, dimension in blocks) <= nats

    return smallest_number(enough)


def smallest_number(enough: Callable[[int], bool]) -> int:
    """The smallest integer of at least 1 that is `enough`, as all larger ones are."""
    high = 1
    while not enough(high):
        high *= 2
    low = high // 2  # not enough, or 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def inverse_error(lip: float, step: Any) -> Any:
    """Distance of a fixed-point iterate x_n from the inverse: at most L / (1 - L) |x_n - x_(n-1)|.

    Args:
        lip: L of the branch.
        step: length of the last step, a number or an array.

    Returns:
        As `step`, in its units; infinite for L >= 1.

    Reference: Banach's fixed-point theorem; Behrmann et al., ICML 2019, section 2.

    Example:
    >>> from keras_iresnet.ops.bounds import inverse_error
    >>> inverse_error(0.5, 1e-3)
    0.001
    """
    if not lip >= 0:
        raise ValueError(f"`lip` must be at least 0. Received: lip={lip!r}")
    factor = lip / (1 - lip) if lip < 1 else math.inf
    return factor * step
