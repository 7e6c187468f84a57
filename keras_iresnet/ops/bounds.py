"""Rigorous bounds: what no estimate, however unconverged, can undercut. NumPy in float64, not for graphs.

A convolution with zero padding on an (h, w) grid is a compression of the circular one on a torus that is longer by the
padding of one side, because the taps that wrap around read padding. So its norm is at most the largest singular value
of the kernel's symbol

    K(a, b) = sum_(i,j) kernel[i, j] exp(-2 pi sqrt(-1) (a i / H + b j / W))        (in x out)

over the frequencies of that torus, H = h + p, W = w + p (Sedghi et al., ICLR 2019, for the circular case). Strides only
leave rows of the operator out.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

# Multiplications that the Gram matrix of a written-out operator may take: well under a second on one core.
_DENSE_WORK = 2**32
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
    largest = max(float(np.linalg.eigvalsh(gram).max()), 0.0)
    # The products and the eigenvalues are wrong by no more than a few roundings for each number that was added up.
    return math.sqrt(largest * (1 + 4 * sum(matrix.shape[-2:]) * np.finfo(np.float64).eps))


def conv_norm(kernel: Any, grid: Sequence[int], *, strides: int = 1, padding: str = "same") -> float:
    """A bound of a two-dimensional convolution's operator norm, exact where the operator is small enough to write out.

    Args:
        kernel: (height, width, channels in, channels out), as for `tf.nn.conv2d`.
        grid: (height, width) of the input.
        strides: step of both axes.
        padding: `"same"`, with zeros, or `"valid"`.

    Raises:
        ValueError: the kernel has not four axes.

    Reference: Sedghi et al., ICLR 2019, for the circular case; the head of this module for zero padding.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.ops.bounds import conv_norm
    >>> mean = np.full((3, 3, 1, 1), 1 / 9)
    >>> print(f"{conv_norm(mean, (8, 8)):.3f}")  # zeros at the border take from the norm of 1
    0.921
    """
    kernel = np.asarray(kernel, np.float64)
    if kernel.ndim != 4:
        raise ValueError(f"`kernel` must have the axes (height, width, in, out). Received: shape={kernel.shape}")
    if kernel.shape[:2] == (1, 1):
        return matrix_norm(kernel[0, 0])
    inputs, outputs = (math.prod(grid) * channels for channels in kernel.shape[2:])
    if inputs * outputs * min(inputs, outputs) <= _DENSE_WORK:
        return matrix_norm(_operator(kernel, grid, strides, padding))
    return symbol_norm(kernel, grid, padding=padding)


def symbol_norm(kernel: Any, grid: Sequence[int], *, padding: str = "same") -> float:
    """The bound by the kernel's symbol, whatever the strides: see the head of this module.

    Args:
        kernel: (height, width, channels in, channels out).
        grid: (height, width) of the input.
        padding: `"same"` or `"valid"`, which pads nothing and needs no longer torus.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.ops.bounds import symbol_norm
    >>> print(f"{symbol_norm(np.full((3, 3, 1, 1), 1 / 9), (8, 8)):.3f}")
    1.000
    """
    kernel = np.asarray(kernel, np.float64)
    phases = []
    for side, taps in zip(grid, kernel.shape[:2], strict=True):
        torus = side + (taps // 2 if padding == "same" else 0)  # the longer of both paddings
        phases.append(np.exp(-2j * np.pi / torus * np.outer(np.arange(torus), np.arange(taps))))
    # The kernel is real: opposite frequencies have the same singular values.
    half = phases[1][: phases[1].shape[0] // 2 + 1]
    rows = np.tensordot(half, kernel, (1, 1))  # (b, i, in, out)
    return max(matrix_norm(np.tensordot(phases[0], one, (1, 0))) for one in rows)


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


def _operator(kernel, grid, strides, padding):
    """The matrix (inputs, outputs) of a convolution: sum_(i,j) R_i x C_j x kernel[i, j], R and C shifts of the axes."""
    rows, columns = (_shifts(side, taps, strides, padding) for side, taps in zip(grid, kernel.shape[:2], strict=True))
    partial = np.tensordot(columns, kernel, (0, 1))  # (x, x', i, in, out)
    whole = np.tensordot(rows, partial, (0, 2))  # (y, y', x, x', in, out)
    y, y_out, x, x_out, inputs, outputs = whole.shape
    return whole.transpose(0, 2, 4, 1, 3, 5).reshape(y * x * inputs, y_out * x_out * outputs)


def _shifts(side, taps, strides, padding):
    """(taps, side, outputs): what tap i of each output of one axis reads, with the padding that TensorFlow takes."""
    if padding == "same":
        outputs = -(-side // strides)
        before = max((outputs - 1) * strides + taps - side, 0) // 2
    else:
        outputs, before = (side - taps) // strides + 1, 0
    read = np.arange(outputs) * strides - before + np.arange(taps)[:, None]  # (taps, outputs)
    return (np.arange(side)[None, :, None] == read[:, None, :]).astype(np.float64)
