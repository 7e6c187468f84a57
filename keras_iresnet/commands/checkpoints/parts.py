"""Layers of ours with the weights of others, whatever those were called."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_iresnet import layers
from keras_iresnet.ops.log_det import LogDetEstimator
from keras_iresnet.ops.roulette import RouletteLogDet

_ROUNDING = 1e-6  # a norm above the bound by as little is at it
_SLACK = 1e-3  # within which norms are known
_DIGITS = 1e4
_LARGEST_RATE = 0.99  # of a roulette


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


LEAVE = None  # in a list of layers: half of the channels leave, and those behind it see the others


def act_norm(shift: np.ndarray, log_scale: np.ndarray, event_shape: Sequence[int], **options: Any) -> layers.ActNorm:
    """y = (x + shift) exp(log_scale) of x (batch, *event_shape), the shift and the scale of its channels."""
    layer = layers.ActNorm(**options)
    layer.build((None, *event_shape))
    layer.shift.assign(shift)
    layer.log_scale.assign(log_scale)
    layer.initialized.assign(True)
    return layer


class Block(NamedTuple):
    """A residual block.

    Attributes:
        layer: built, with its weights.
        raised: the bound of its layers in the place of the checkpoint's, or `None` where that holds.
    """

    layer: layers.InvertibleResidualBlock
    raised: float | None


def residual_block(
    linear: Sequence[Linear], known: Known, event_shape: Sequence[int], *, preactivate: bool, name: str
) -> Block:
    """x + g(x) of x (batch, *event_shape), with the kernels as they are.

    Where one has a larger norm than `coeff`, since the power iteration that it was normalised by lagged behind, the
    bound of the block is raised to what leaves it as it is, or dropped where that is no contraction.

    Args:
        linear: the layers of g.
        known: what they do not say.
        event_shape: shape of an example.
        preactivate: whether an activation precedes the first.
        name: of the block in the checkpoint.
    """
    options = {"activation": known.activation, "preactivate": preactivate}
    coeff, estimator, raised = known.coeff, known.estimator, None
    branch = _branch(linear, event_shape, coeff=coeff, **options)
    norms = [_norm(layer) for layer in branch.spectral_layers]
    if max(norms) > coeff * (1 + _ROUNDING):
        raised = _rounded_up(max(norms))
        branch = _branch(linear, event_shape, coeff=raised if raised < 1 else None, **options)
        if raised >= 1 and isinstance(estimator, RouletteLogDet):  # which goes by the bound that is no more
            estimator = estimator.for_bound(min(_rounded_up(math.prod(norms)), _LARGEST_RATE))
    block = layers.InvertibleResidualBlock(branch, estimator=estimator, name=name.replace(".", "_"))
    block.build((None, *event_shape))
    return Block(block, raised)


def _branch(linear, event_shape, *, preactivate, **options):
    """g with its weights."""
    hidden = [one.kernel.shape[-1] for one in linear[:-1]]
    if len(event_shape) > 1:
        options["kernel_sizes"] = [one.kernel.shape[0] for one in linear]
    make = layers.ConvBranch if len(event_shape) > 1 else layers.DenseBranch
    branch = make(hidden, preactivate=preactivate, **options)
    branch.build((None, *event_shape))
    for layer, one in zip(branch.spectral_layers, linear, strict=True):
        layer.kernel.assign(one.kernel)
        if layer.bias is not None:
            layer.bias.assign(one.bias)
    with_beta = [part for part in branch.parts if hasattr(part, "beta")]
    for part, one in zip(with_beta, linear[not preactivate :] if with_beta else (), strict=True):
        part.beta.assign(one.beta)
    return branch


def _norm(layer):
    layer.converge()
    return float(layer.sigma())


def chain_of(parts: Sequence[layers.InvertibleLayer | None]) -> layers.Chain:
    """Layers as one, in which those behind a `LEAVE` see what stays."""
    place = list(parts).index(LEAVE) if LEAVE in parts else len(parts)
    chain: list[layers.InvertibleLayer] = [part for part in parts[:place] if part is not None]
    if place < len(parts):
        chain.append(layers.FactorOut(chain_of(parts[place + 1 :])))
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
