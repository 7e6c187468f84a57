"""Kernels as other packages use them: over the norm that their stored vectors give."""

import numpy as np
import tensorflow as tf

from keras_iresnet.commands.checkpoints.named_tensors import NamedTensors
from keras_iresnet.ops import maps

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


def _operator(tensors, weight, grid):
    """The map that has the operator's norm, its outputs and inputs, and the pixels of its vectors."""
    value = tensors.take(weight, *(-1,) * len(tensors.shape(weight)))
    kernel = tf.constant(value.T if value.ndim == 2 else value.transpose(2, 3, 1, 0))
    if value.ndim == 4 and value.shape[-1] > 1:
        return maps.Conv2D(kernel, grid=(*grid, value.shape[1])), value.shape[:2], tuple(grid)
    matrix = kernel if value.ndim == 2 else kernel[0, 0]  # one matrix at every pixel
    return maps.Dense(matrix), value.shape[:2], ()


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
