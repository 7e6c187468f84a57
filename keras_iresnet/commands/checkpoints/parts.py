"""Layers of ours with the values that their weights are to have, whatever those were called."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_iresnet import layers
from keras_iresnet.ops.log_det import LogDetEstimator

_ROUNDING = 1e-5  # a norm above the bound by as little is at it
_SLACK = 1e-3  # within which norms are known
_DIGITS = 1e4


class Part(NamedTuple):
    """An invertible layer, and what to call once it is built.

    Attributes:
        layer: the layer; `None` where half of the channels leave, and the parts that follow see the others.
        fill: gives the layer its weights; of a block, the bound of its layers in the place of the checkpoint's, or
            `None` where that holds.
    """

    layer: layers.InvertibleLayer | None
    fill: Callable[[], float | None] = lambda: None


class Linear(NamedTuple):
    """A linear layer of a branch as it is used, normalised.

    Attributes:
        kernel: (inputs, outputs) or (side, side, inputs, outputs).
        bias: (outputs,).
        beta: of the activation in front of it, where that has one.
    """

    kernel: np.ndarray
    bias: np.ndarray
    beta: float | None = None


class Known(NamedTuple):
    """What a checkpoint does not say of its branches.

    Attributes:
        activation: name of ours, see `LipschitzActivation`.
        coeff: bound of each layer's norm.
        estimator: of the log-determinants.
    """

    activation: str
    coeff: float
    estimator: LogDetEstimator


LEAVE = Part(None)


def act_norm(shift: np.ndarray, log_scale: np.ndarray, **options: Any) -> Part:
    """y = (x + shift) exp(log_scale)."""
    layer = layers.ActNorm(**options)

    def fill():
        layer.shift.assign(shift)
        layer.log_scale.assign(log_scale)
        layer.initialized.assign(True)

    return Part(layer, fill)


def residual_block(linear: Sequence[Linear], known: Known, *, preactivate: bool, name: str) -> Part:
    """x + g(x), with the kernels as they are; `name` is that of the block in the checkpoint.

    Where one has a larger norm than `coeff`, since the power iteration that it was normalised by lagged behind, the
    bound of the block is raised to what leaves it as it is, or dropped where that is no contraction.
    """
    options: dict[str, Any] = {"coeff": known.coeff, "activation": known.activation, "preactivate": preactivate}
    hidden = [one.kernel.shape[-1] for one in linear[:-1]]
    if linear[0].kernel.ndim == 4:
        branch = layers.ConvBranch(hidden, kernel_sizes=[one.kernel.shape[0] for one in linear], **options)
    else:
        branch = layers.DenseBranch(hidden, **options)

    def fill():
        with_beta = [part for part in branch.parts if hasattr(part, "beta")]
        betas = linear if preactivate else linear[1:]
        for part, one in zip(with_beta, betas if with_beta else (), strict=True):
            part.beta.assign(one.beta)
        for part, one in zip(branch.spectral_layers, linear, strict=True):
            part.kernel.assign(one.kernel)
            if part.bias is not None:
                part.bias.assign(one.bias)
            part.converge()
        norm = max(float(part.sigma()) for part in branch.spectral_layers)
        if norm <= known.coeff * (1 + _ROUNDING):
            return None
        bound = _rounded_up(norm)
        for part in (branch, *branch.spectral_layers):
            part.coeff = bound if bound < 1 else None
        return bound

    name = name.replace(".", "_")
    return Part(layers.InvertibleResidualBlock(branch, estimator=known.estimator, name=name), fill)


def chain_of(parts: Sequence[Part]) -> layers.Chain:
    """The layers of parts as one, in which those behind a `LEAVE` see what stays."""
    chain: list[layers.InvertibleLayer] = []
    for i, part in enumerate(parts):
        if part.layer is None:
            chain.append(layers.FactorOut(chain_of(parts[i + 1 :])))
            break
        chain.append(part.layer)
    return layers.Chain(chain)


def by_position(shape: tuple[int, int, int]) -> np.ndarray:
    """Where the numbers of (height, width, channels), position by position, stand channel by channel.

    Example:
    >>> from keras_iresnet.commands.checkpoints.parts import by_position
    >>> by_position((1, 2, 2)).tolist()
    [0, 2, 1, 3]
    """
    height, width, channels = shape
    return np.arange(height * width * channels).reshape(channels, height, width).transpose(1, 2, 0).ravel()


def _rounded_up(norm):
    """A bound that the norm, which is known to some digits, is certainly below."""
    return math.ceil(norm * (1 + _SLACK) * _DIGITS) / _DIGITS
