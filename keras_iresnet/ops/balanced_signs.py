"""Random signs whose products cancel: probes that share their variance among the examples of a group.

For one matrix A the mean of v^T A v over probes v errs by the off-diagonal entries of A, each weighed by the mean of
v_i v_j. Rows r of a Hadamard matrix, with one random sign z_i for each coordinate,

    v_i = z_i (-1)^(parity of the bits that r and the code of i share),

have E[v v^T] = I each, whatever their r; and the sum of v_i v_j over r = 0, ..., 2^m - 1 is 0 unless the codes of i
and j agree in their last m bits. Codes are given such that these are far apart, where a convolution's Jacobian has
nothing or little: only what is left, and what differs between the examples of a group, varies.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf


def balanced_signs(signs: tf.Tensor, code: np.ndarray, rows: tf.Tensor) -> tf.Tensor:
    """Signs times rows of a Hadamard matrix.

    Args:
        signs: (batch, D), those with the same random signs make a group.
        code: (D,) integers, of `codes`.
        rows: (batch,) integers of at least 0; those of a group are to be different.

    Returns:
        (batch, D), +1 or -1, in the dtype of `signs`.

    Reference: Stathopoulos, Laeuchli and Orginos, Hierarchical probing for estimating the trace of the matrix inverse
    on toroidal lattices, SIAM J. Sci. Comput. 35, 2013.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops.balanced_signs import balanced_signs, codes
    >>> v = balanced_signs(tf.ones((4, 4)), codes((4,)), tf.range(4))
    >>> (tf.transpose(v) @ v / 4).numpy().tolist() == tf.eye(4).numpy().tolist()
    True
    """
    bits = max(1, int(code.max()).bit_length())
    places = tf.range(bits)
    of_rows = tf.bitwise.bitwise_and(tf.bitwise.right_shift(rows[:, None], places), 1)
    of_codes = (code[None] >> np.arange(bits)[:, None]) & 1
    shared = tf.matmul(tf.cast(of_rows, tf.float32), tf.constant(of_codes, tf.float32))  # small integers
    return signs * tf.cast(1 - 2 * (tf.cast(shared, tf.int32) % 2), signs.dtype)


def codes(event_shape: Sequence[int]) -> np.ndarray:
    """A number for each coordinate of an example, (D,): near ones differ in their last bits.

    Of an image (height, width, channels) the last bits are those of the channel, then those of column and row in turn;
    of all else the coordinate itself.

    Example:
    >>> from keras_iresnet.ops.balanced_signs import codes
    >>> codes((2, 2, 2)).tolist(), codes((2, 4, 1)).tolist()
    ([0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 4, 5, 2, 3, 6, 7])
    """
    if len(event_shape) != 3:
        return np.arange(math.prod(event_shape))
    row, column, channel = np.indices(event_shape)
    code, place = channel, _bits(event_shape[2])
    for bit in range(max(_bits(event_shape[0]), _bits(event_shape[1]))):
        for axis, size in ((column, event_shape[1]), (row, event_shape[0])):
            if bit < _bits(size):
                code = code + (((axis >> bit) & 1) << place)
                place += 1
    return code.ravel()


def group_signs(seed: Any, group: int, num_probes: int, x: tf.Tensor) -> tf.Tensor:
    """The random signs of each probe and example, (num_probes * batch, D): the same for the examples of a group."""
    batch, size = tf.shape(x)[0], x.shape[1:].num_elements()
    drawn = tf.random.stateless_uniform((num_probes, -(-batch // group), size), seed, 0, 2, tf.int32)
    signs = tf.repeat(drawn, group, axis=1)[:, :batch]
    return tf.cast(2 * tf.reshape(signs, (-1, size)) - 1, x.dtype)


def _bits(size):
    return (size - 1).bit_length()
