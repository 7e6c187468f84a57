"""The largest singular value of every linear layer, by brute force: no estimate that training relies on is asked."""

import dataclasses
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.evaluation.batchwise import compiled
from keras_iresnet.evaluation.certificate import walk
from keras_iresnet.layers import Branch, BranchBlock
from keras_iresnet.layers.spectral.spectral_conv2d import SpectralConv2D
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.ops.bounds import matrix_norm
from keras_iresnet.ops.bounds.conv_bounds import symbol_norm

DENSE_SIDE = 1024  # smaller side of an operator that is written out: seconds on one core
TOLERANCE = 1e-8  # relative, of the squared value that Lanczos finds
ALLOWED = 1.01  # times `coeff`: what a layer's norm may reach after training


@dataclasses.dataclass(frozen=True)
class LayerNorm:
    """A linear layer of a branch and its norm.

    Attributes:
        layer: where it stands: block and place in its branch, from 0.
        norm: largest singular value of the operator on its grid, with the kernel that evaluation uses.
        method: how it was found: `"dense"`, an SVD of the operator written out, or `"lanczos"`.
        bound: what the Fourier transform of the kernel proves, no smaller than `norm`; see `ops.bounds.conv_bounds`.
        coeff: what training holds it to, or `None`.
        folded_norm: the norm with the scales of the batch normalisation that follows, or `None` where none does.
    """

    layer: str
    norm: float
    method: str
    bound: float
    coeff: float | None
    folded_norm: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the norm is at most 1.01 coeff, or `None` where nothing is asked of it."""
        return None if self.coeff is None else self.norm <= ALLOWED * self.coeff


def layer_norms(model: Any) -> list[LayerNorm]:
    """The norm of every linear layer in the residual blocks of a model, in the order of the data.

    Args:
        model: built; a `Classifier`, a `Flow`, or an invertible layer.

    Raises:
        ValueError: it has no residual block with linear layers of this package.

    Reference: Behrmann et al., ICML 2019, figure 6; Sedghi et al., ICLR 2019, for the Fourier transform.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.evaluation.layer_norms import layer_norms
    >>> norms = layer_norms(ki.zoo.digits_classifier(blocks=(1, 1), channels=8, coeff=0.5))
    >>> len(norms), all(norm.holds for norm in norms), norms[0].layer, norms[0].method
    (6, True, 'block 0, layer 0', 'dense')
    """
    branches = [layer.branch for layer in walk(model) if isinstance(layer, BranchBlock)]
    found = [
        _layer_norm(f"block {i}, layer {j}", layer, after)
        for i, branch in enumerate(branches)
        for j, (layer, after) in enumerate(_linear_layers(branch))
    ]
    if not found:
        raise ValueError("`model` must have residual blocks of spectral layers. Received: none")
    return found


def _linear_layers(branch):
    """(layer, batch normalisation right after it or `None`) of every linear layer of a branch."""
    if isinstance(branch, Branch):
        return [(layer, None) for layer in branch.spectral_layers]
    parts = branch.layers
    followed = zip(parts, [*parts[1:], None], strict=True)
    return [
        (part, after if isinstance(after, keras.layers.BatchNormalization) else None)
        for part, after in followed
        if isinstance(part, SpectralLayer)
    ]


def _layer_norm(name, layer, after):
    kernel = np.asarray(layer.normalized_kernel(), np.float64)
    norm, method = operator_norm(layer, kernel)
    folded = None
    if after is not None:
        variance = np.asarray(after.moving_variance, np.float64)
        scales = np.asarray(after.gamma, np.float64) / np.sqrt(variance + after.epsilon)
        folded = operator_norm(layer, kernel * scales)[0]
    bound = matrix_norm(kernel)
    if isinstance(layer, SpectralConv2D):
        bound = symbol_norm(kernel, layer.input_spec.shape[1:3], padding=layer.padding)
    # A layer that is held in another norm is not asked for this one.
    coeff = layer.coeff if layer.norm == (2.0, 2.0) else None
    return LayerNorm(name, norm, method, bound, coeff, folded)


def operator_norm(layer: Any, kernel: Any, dense_side: int = DENSE_SIDE) -> tuple[float, str]:
    """The norm of a spectral layer's operator with a float64 kernel, and how it was found."""
    if kernel.ndim == 2 or kernel.shape[:2] == (1, 1):
        return float(np.linalg.norm(kernel.reshape(kernel.shape[-2:]), 2)), "dense"
    grid = layer.input_spec.shape[1:3]
    sides = [math.prod(grid) * channels for channels in kernel.shape[2:]]
    if min(sides) <= dense_side:
        return float(np.linalg.norm(_written_out(layer, kernel, sides[0]), 2)), "dense"
    return _lanczos(layer, kernel, (*grid, kernel.shape[2])), "lanczos"


def _written_out(layer, kernel, inputs):
    """The operator (inputs, outputs): what it makes of every basis vector."""
    basis = tf.reshape(tf.eye(inputs, dtype=tf.float64), (inputs, *layer.input_spec.shape[1:]))
    operator = layer.linear_map(tf.constant(kernel))
    return np.concatenate([np.reshape(operator.apply(part), (len(part), -1)) for part in np.array_split(basis, 8)])


def _lanczos(layer, kernel, event):
    """The square root of the largest eigenvalue of A^T A, to far below what a table shows."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    operator, size = layer.linear_map(tf.constant(kernel)), math.prod(event)

    @compiled
    def gram(x):
        return operator.adjoint(operator.apply(x))

    def multiply(x):
        return np.reshape(gram(tf.constant(x.reshape(1, *event))), -1)

    start = np.random.default_rng(0).normal(size=size)
    product = LinearOperator((size, size), matvec=multiply, dtype=np.float64)
    largest = eigsh(product, k=1, which="LA", v0=start, tol=TOLERANCE, return_eigenvectors=False)
    return math.sqrt(max(float(largest[0]), 0.0))
