"""How far the odd terms of a monotone block's series can be off when they are cut: NumPy in float64, not for graphs."""

import math

import numpy as np

_TAIL_TERMS = 10**6


def odd_series_bias(lip: float, num_terms: int, dimension: int) -> float:
    """A bound of what -2 sum over odd k <= n of tr(J^k) / k leaves out.

        2 |sum over odd k > n of tr(J^k) / k|  <=  2 D sum over odd k > n of L^k / k

    Args:
        lip: L >= |J| in the operator norm.
        num_terms: n, odd and even terms counted.
        dimension: D of the square J.

    Returns:
        Nats; infinite for L >= 1.

    Raises:
        ValueError: a negative or undefined `lip`.

    Example:
    >>> from keras_iresnet.ops.bounds.odd_bias import odd_series_bias
    >>> print(f"{odd_series_bias(0.5, 2, 1):.4f}")  # 2 artanh(1/2) - 1 = ln 3 - 1
    0.0986
    """
    if not lip >= 0:
        raise ValueError(f"`lip` must be at least 0. Received: lip={lip!r}")
    if lip >= 1:
        return math.inf
    first = num_terms + 1 + num_terms % 2  # the first odd term that is left out
    count = min(math.ceil(20 / (1 - lip)), _TAIL_TERMS)
    k = np.arange(first, first + 2 * count, 2, dtype=np.float64)
    last = first + 2 * count
    rest = lip**last / (last * (1 - lip**2))  # more than all terms beyond
    return 2 * dimension * (float(np.sum(lip**k / k)) + rest)
