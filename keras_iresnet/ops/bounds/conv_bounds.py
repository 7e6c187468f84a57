"""Rigorous bounds of the norm of a two-dimensional convolution, on its own grid. NumPy in float64, not for graphs.

A convolution with zero padding on an (h, w) grid is a compression of the circular one on a torus that is longer by the
padding of one side, because the taps that wrap around read padding. So its norm is at most the largest singular value
of the kernel's symbol

    K(a, b) = sum_(i,j) kernel[i, j] exp(-2 pi sqrt(-1) (a i / H + b j / W))        (in x out)

over the frequencies of that torus, H = h + p, W = w + p (Sedghi et al., ICLR 2019, for the circular case; Delattre et
al., arXiv:2402.00240, for zero padding by larger circular ones). Strides only leave rows of the operator out. On a grid
that is not much larger than the kernel, the norm is well below that; there the operator itself is small enough: not it,
but its Gram matrix on the smaller side is written out, which takes no more than the square of that side.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_iresnet.ops.bounds import matrix_norm
from keras_iresnet.ops.bounds.top_eigenvalue import rounding_of_gram, top_eigenvalue, top_eigenvalue_by_squaring

DEFAULT_BUDGET_S = 30.0
_RATE = 1e10  # products a second that a core does for sure
_SMALL_SYMBOL = 256  # channels up to which all singular values are quicker than squaring, whatever their spectrum
_EPSILON = float(np.finfo(np.float64).eps)


class NormBound(NamedTuple):
    """What a linear map's norm cannot exceed, and how that was proved.

    Attributes:
        norm: infinite where an entry is not finite.
        method: `"matrix"`, or of a convolution `"operator"`, the Gram matrix written out, `"torus"`, the singular
            values of the symbol, or `"gram"`, its Gram iteration.
    """

    norm: float
    method: str


def conv_bound(
    kernel: Any,
    grid: Sequence[int],
    *,
    strides: int = 1,
    padding: str = "same",
    budget_s: float = DEFAULT_BUDGET_S,
) -> NormBound:
    """The smallest bound of a two-dimensional convolution's operator norm to be had for the time.

    Args:
        kernel: (height, width, channels in, channels out), as for `tf.nn.conv2d`.
        grid: (height, width) of the input.
        strides: step of both axes.
        padding: `"same"`, with zeros, or `"valid"`.
        budget_s: seconds of one core for the operator to be written out, as `written_out_seconds` counts them: not the
            clock, so that the bound is the same on every machine. Beyond, the symbol is taken, whatever that takes.

    Raises:
        ValueError: the kernel has not four axes.

    Reference: the head of this module.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.ops.bounds.conv_bounds import conv_bound
    >>> mean = np.full((3, 3, 1, 1), 1 / 9)
    >>> print(f"{conv_bound(mean, (8, 8)).norm:.3f}")  # zeros at the border take from the norm of 1
    0.921
    >>> print("{:.3f} {}".format(*conv_bound(mean, (8, 8), budget_s=0)))
    1.000 torus
    """
    kernel = _checked(kernel)
    if not np.isfinite(kernel).all():
        return NormBound(math.inf, "matrix")
    if kernel.shape[:2] == (1, 1):
        return NormBound(matrix_norm(kernel[0, 0]), "matrix")
    if written_out_seconds(kernel.shape, grid, strides=strides, padding=padding) <= budget_s:
        return NormBound(operator_norm(kernel, grid, strides=strides, padding=padding), "operator")
    if min(kernel.shape[2:]) <= _SMALL_SYMBOL:
        return NormBound(symbol_norm(kernel, grid, padding=padding), "torus")
    return NormBound(gram_norm(kernel, grid, padding=padding), "gram")


def written_out_seconds(
    kernel_shape: Sequence[int], grid: Sequence[int], *, strides: int = 1, padding: str = "same"
) -> float:
    """What `operator_norm` takes of one core, counted by its products; 0 of a 1x1 kernel, which is a matrix."""
    if tuple(kernel_shape[:2]) == (1, 1):
        return 0.0
    rows, taps = min(_sides(kernel_shape, grid, strides, padding)), math.prod(kernel_shape[:2])
    return (rows**3 / 3 + (200 + taps) * rows**2) / _RATE


def operator_norm(kernel: Any, grid: Sequence[int], *, strides: int = 1, padding: str = "same") -> float:
    """The norm of a convolution's operator, rounded up, from its Gram matrix.

    With R_i and C_j the shifts of the two axes, the operator is A = sum_(i,j) R_i x C_j x kernel[i, j], and so

        A A^T = sum_(i,j,k,l) R_i R_k^T x C_j C_l^T x kernel[i, j] kernel[k, l]^T.

    Args:
        kernel: (height, width, channels in, channels out), finite.
        grid: (height, width) of the input.
        strides: step of both axes.
        padding: `"same"` or `"valid"`.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.ops.bounds.conv_bounds import operator_norm
    >>> print(f"{operator_norm(np.full((2, 2, 1, 1), 1.0), (2, 2), padding='valid'):.3f}")
    2.000
    """
    kernel = _checked(kernel)
    rows, columns = (_shifts(side, taps, strides, padding) for side, taps in zip(grid, kernel.shape[:2], strict=True))
    inputs, outputs = _sides(kernel.shape, grid, strides, padding)
    if outputs < inputs:
        rows, columns, kernel = (np.swapaxes(part, -1, -2) for part in (rows, columns, kernel))
    gram = _operator_gram(rows, columns, kernel)
    terms = kernel.shape[-1] + 2 * math.prod(kernel.shape[:2])
    return math.sqrt(top_eigenvalue(gram) + rounding_of_gram(terms, np.trace(gram)))


def symbol_norm(kernel: Any, grid: Sequence[int], *, padding: str = "same") -> float:
    """The bound by all singular values of the kernel's symbol, whatever the strides: see the head of this module.

    Args:
        kernel: (height, width, channels in, channels out).
        grid: (height, width) of the input.
        padding: `"same"` or `"valid"`, which pads nothing and needs no longer torus.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.ops.bounds.conv_bounds import symbol_norm
    >>> print(f"{symbol_norm(np.full((3, 3, 1, 1), 1 / 9), (8, 8)):.3f}")
    1.000
    """
    kernel = _checked(kernel)
    return max(matrix_norm(row) for row in _symbols(kernel, grid, padding)) + _rounding_of_symbol(kernel)


def gram_norm(kernel: Any, grid: Sequence[int], *, padding: str = "same", tolerance: float = 1e-6) -> float:
    """The same bound by Gram iteration of the symbol, for many channels: see `top_eigenvalue_by_squaring`.

    Args:
        kernel: (height, width, channels in, channels out), finite.
        grid: (height, width) of the input.
        padding: as for `symbol_norm`.
        tolerance: how far above `symbol_norm` it may be, relative.

    Reference: Delattre et al., ICML 2023, arXiv:2305.16173, algorithm 2.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.ops.bounds.conv_bounds import gram_norm, symbol_norm
    >>> kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 5))
    >>> 0 <= gram_norm(kernel, (8, 8)) / symbol_norm(kernel, (8, 8)) - 1 < 1e-6
    True
    """
    kernel = _checked(kernel)
    if kernel.shape[2] > kernel.shape[3]:
        kernel = np.swapaxes(kernel, 2, 3)
    upper, least = 0.0, 0.0
    for row in _symbols(kernel, grid, padding):
        gram = row @ np.conj(np.swapaxes(row, -1, -2))
        found, least = top_eigenvalue_by_squaring(gram, above=least, tolerance=tolerance)
        trace = np.einsum("...ii", gram).real.max()
        upper = max(upper, found + rounding_of_gram(kernel.shape[3], trace))
    return math.sqrt(upper) + _rounding_of_symbol(kernel)


def _checked(kernel):
    kernel = np.asarray(kernel, np.float64)
    if kernel.ndim != 4:
        raise ValueError(f"`kernel` must have the axes (height, width, in, out). Received: shape={kernel.shape}")
    return kernel


def _symbols(kernel: np.ndarray, grid: Sequence[int], padding: str) -> Iterator[np.ndarray]:
    """The symbol on the torus, (H, in, out) for each frequency of the other axis."""
    phases = []
    for side, taps in zip(grid, kernel.shape[:2], strict=True):
        torus = side + (taps // 2 if padding == "same" else 0)  # the longer of both paddings
        phases.append(np.exp(-2j * np.pi / torus * np.outer(np.arange(torus), np.arange(taps))))
    # The kernel is real: opposite frequencies have the same singular values.
    half = phases[1][: phases[1].shape[0] // 2 + 1]
    for one in np.tensordot(half, kernel, (1, 1)):  # (b, i, in, out)
        yield np.tensordot(phases[0], one, (1, 0))


def _rounding_of_symbol(kernel):
    """How far a symbol that was computed can be from the true one: each tap's phase and the sum are rounded."""
    taps = math.prod(kernel.shape[:2])
    return 4 * (taps + 8) * _EPSILON * float(np.linalg.norm(kernel, axis=(2, 3)).sum())


def _operator_gram(rows, columns, kernel):
    """A A^T of the matrix A = sum_(i,j) rows_i x columns_j x kernel[i, j]."""
    height, width, inner, _ = kernel.shape
    flat = kernel.reshape(-1, kernel.shape[-1])
    taps = (flat @ flat.T).reshape(height, width, inner, height, width, inner)  # (i, j, c, k, l, d)
    overlaps = [np.einsum("iao,kbo->ikab", shifts, shifts) for shifts in (rows, columns)]
    partial = np.tensordot(overlaps[1], taps, ((0, 1), (1, 4)))  # (x, x', i, c, k, d)
    whole = np.tensordot(overlaps[0], partial, ((0, 1), (2, 4)))  # (y, y', x, x', c, d)
    side = math.prod(whole.shape[::2])
    return whole.transpose(0, 2, 4, 1, 3, 5).reshape(side, side)


def _sides(kernel_shape, grid, strides, padding):
    """Rows and columns of the operator: numbers that go in and come out."""
    outputs = [_outputs(side, taps, strides, padding) for side, taps in zip(grid, kernel_shape[:2], strict=True)]
    return math.prod(grid) * kernel_shape[2], math.prod(outputs) * kernel_shape[3]


def _outputs(side, taps, strides, padding):
    return -(-side // strides) if padding == "same" else (side - taps) // strides + 1


def _shifts(side, taps, strides, padding):
    """(taps, side, outputs): what tap i of each output of one axis reads, with the padding that TensorFlow takes."""
    outputs = _outputs(side, taps, strides, padding)
    before = max((outputs - 1) * strides + taps - side, 0) // 2 if padding == "same" else 0
    read = np.arange(outputs) * strides - before + np.arange(taps)[:, None]  # (taps, outputs)
    return (np.arange(side)[None, :, None] == read[:, None, :]).astype(np.float64)
