"""The blocks and branches that a builder's plain keywords ask for."""

from collections.abc import Callable
from typing import Any

from keras_iresnet import layers
from keras_iresnet.ops.log_det import LogDetEstimator

BLOCKS = ("residual", "implicit", "monotone")
BRANCHES = ("resnet", "densenet")
RESNET_DEPTH, DENSENET_DEPTH = 2, 3  # as in the papers


def check_kinds(block: str, branch: str = BRANCHES[0]) -> None:
    """Refuse names that are none of `BLOCKS` and `BRANCHES`."""
    for name, value, known in (("block", block, BLOCKS), ("branch", branch, BRANCHES)):
        if value not in known:
            raise ValueError(f"`{name}` must be one of {known}. Received: {name}={value!r}")


def make_block(
    block: str, branch: Callable[[], layers.Branch], estimator: LogDetEstimator
) -> layers.InvertibleResidualBlock | layers.ImplicitBlock | layers.MonotoneBlock:
    """A block of one branch, or of two for `"implicit"`, each made by a call of `branch`.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.zoo.block_kinds import make_block
    >>> type(make_block("monotone", ki.layers.DenseBranch, ki.ExactLogDet())).__name__
    'MonotoneBlock'
    """
    check_kinds(block)
    if block == "implicit":
        return layers.ImplicitBlock(branch(), branch(), estimator=estimator)
    kind = layers.MonotoneBlock if block == "monotone" else layers.InvertibleResidualBlock
    return kind(branch(), estimator=estimator)


def image_branch(branch: str, channels: int, depth: int | None, *, preactivate: bool, **options: Any) -> layers.Branch:
    """A branch over images: convolutions 3x3, 1x1 and so on, 3x3 around `depth` hidden layers, or a DenseNet.

    Args:
        branch: of `BRANCHES`.
        channels: hidden channels, or the growth of a DenseNet.
        depth: hidden layers, 2 by default, or the concatenations of a DenseNet, 3 by default.
        preactivate: whether an activation precedes all; DenseNets have none.
        **options: as for `Branch`.
    """
    if branch == "densenet":
        return layers.DenseNetBranch(channels, depth=DENSENET_DEPTH if depth is None else depth, **options)
    hidden = RESNET_DEPTH if depth is None else depth
    if hidden < 1:
        raise ValueError(f"`depth` must be at least 1. Received: depth={depth}")
    return layers.ConvBranch(channels, kernel_sizes=(3, *[1] * (hidden - 1), 3), preactivate=preactivate, **options)


def vector_branch(branch: str, units: int, depth: int | None, **options: Any) -> layers.Branch:
    """A branch over vectors: dense layers, or a DenseNet of growth `units` behind a stem of twice as many."""
    if branch == "densenet":
        count = DENSENET_DEPTH if depth is None else depth
        return layers.DenseNetBranch(units, depth=count, stem=2 * units, **options)
    return layers.DenseBranch((units,) * (RESNET_DEPTH if depth is None else depth), **options)
