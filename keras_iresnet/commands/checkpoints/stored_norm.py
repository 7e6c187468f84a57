"""Kernels as other packages use them: over the norm that their stored vectors give."""

import numpy as np
import tensorflow as tf

from keras_iresnet.commands.checkpoints.named_tensors import NamedTensors
from keras_iresnet.ops import maps
from keras_iresnet.ops.power_iteration import converge

_UNIT = 1e-3  # by which the length of a stored vector may differ from 1


def stored_sigma(tensors: NamedTensors, weight: str, u: str, v: str, grid: tuple[int, int]) -> float:
    """sigma = <u, W v> of the vectors that a power iteration left, for the operator W on its grid.

    Without a stored v it is W^T u over its length, so that sigma = |W^T u|.

    Args:
        tensors: the checkpoint.
        weight: name of the kernel, (outputs, inputs) or (outputs, inputs, side, side), as PyTorch lays it out.
        u: name of the vector in the range; of a kernel with a side above 1, (outputs * height * width,).
        v: name of the vector in the domain, likewise.
        grid: (height, width).

    Raises:
        ValueError: a vector is missing, or of another size, or not of length 1 in l_2.
    """
    operator, (outputs, inputs), pixels = _operator(tensors, weight, grid)
    left = _unit(tensors, u, outputs, pixels)
    if v in tensors:
        right = _unit(tensors, v, inputs, pixels)
        return float(tf.reduce_sum(left * operator.apply(right)))
    return float(tf.norm(operator.adjoint(left)))


def norm_of_kernel(kernel: np.ndarray, grid: tuple[int, int]) -> float:
    """The norm of a kernel (inputs, outputs) or (side, side, inputs, outputs) on its grid, to about a thousandth."""
    operator, outputs, pixels = _as_operator(kernel, grid)
    start = tf.random.stateless_normal((1, *pixels, outputs), (20190609, 1), dtype="float64")
    return float(converge(operator, start).sigma[0])


def _operator(tensors, weight, grid):
    value = tensors.take(weight, *(-1,) * len(tensors.shape(weight)))
    kernel = value.T if value.ndim == 2 else value.transpose(2, 3, 1, 0)
    operator, _, pixels = _as_operator(kernel, grid)
    return operator, value.shape[:2], pixels


def _as_operator(kernel, grid):
    """The map that has the operator's norm, its outputs, and the pixels of its vectors."""
    kernel = tf.constant(kernel, "float64")
    if len(kernel.shape) == 4 and kernel.shape[0] > 1:
        return maps.Conv2D(kernel, grid=(*grid, kernel.shape[2])), kernel.shape[3], tuple(grid)
    matrix = kernel if len(kernel.shape) == 2 else kernel[0, 0]  # one matrix at every pixel
    return maps.Dense(matrix), matrix.shape[1], ()


def _unit(tensors, name, channels, pixels):
    """A stored vector, whose channels come first, as (1, *pixels, channels)."""
    flat = tensors.take(name, channels * int(np.prod(pixels, dtype=int)))
    if abs(np.linalg.norm(flat) - 1) > _UNIT:
        raise ValueError(
            f"`{name}` of the checkpoint must have length 1 in l_2: bounds in other norms have no place here. "
            f"Received: length {np.linalg.norm(flat):.4g}"
        )
    vector = np.moveaxis(flat.reshape(channels, *pixels), 0, -1)
    return tf.constant(vector[None], "float64")
