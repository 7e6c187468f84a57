"""Makes a certificate hold: scales the kernels whose proved bound is above what they may have."""

import dataclasses
import math
from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet.evaluation.certificate import Certificate, branches_of, certify, conv_bound_within
from keras_iresnet.layers import Concatenation
from keras_iresnet.layers.lipschitz import UnknownBoundError, norm_of, parts_and_bounds
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.ops.bounds.conv_bounds import DEFAULT_BUDGET_S

_ROUNDINGS = 16  # of the kernel's dtype, by which a kernel is scaled to below its share
_ROUNDS = 10  # a kernel of many values may need another one, for its rounding


@dataclasses.dataclass(frozen=True)
class ScaledKernel:
    """A kernel that was scaled.

    Attributes:
        block: name of the residual block.
        layer: name of the layer.
        before: the bound of its norm that was proved.
        share: what it may be.
        factor: what the kernel that evaluation uses was multiplied by.
    """

    block: str
    layer: str
    before: float
    share: float
    factor: float

    def __str__(self):
        return f"{self.block}, {self.layer}: {self.before:.6f} -> {self.share:.6f}, times {self.factor:.6f}"


@dataclasses.dataclass(frozen=True)
class Contraction:
    """What `contract` did; printed, it is a report.

    Attributes:
        scaled: the kernels that were scaled, in the order of the data.
        certificate: of the model as it is now.
    """

    scaled: tuple[ScaledKernel, ...]
    certificate: Certificate

    def __str__(self):
        count = f"{len(self.scaled)} of {len(self.certificate.layers)} kernels were scaled."
        return "\n".join([*map(str, self.scaled), count, str(self.certificate)])


def contract(model: Any, max_lipschitz: float | None = None, *, budget_s: float = DEFAULT_BUDGET_S) -> Contraction:
    """Scale exactly those kernels whose certified bound exceeds their share, in place: then the certificate holds.

    The n linear layers of a branch may each have the n-th root of what the branch may have, less what its activations
    and declared bounds take. Kernels at or below their share stay as they are, to the bit.

    Args:
        model: as for `certify`.
        max_lipschitz: bound of each branch, in (0, 1); by default coeff^n, the share of a layer being its `coeff`.
        budget_s: as for `certify`; a certificate that is to hold has to be taken with at least as much.

    Returns:
        `Contraction`: what was scaled by how much, and the certificate. A branch of which nothing is known cannot be
        mended, and the certificate says so.

    Raises:
        ValueError: `max_lipschitz` lies outside (0, 1), or is `None` where a linear layer has no `coeff`.

    Example:
    >>> import keras_iresnet as ki
    >>> block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((8, 8), coeff=0.9))
    >>> block.build((None, 2))
    >>> report = ki.contract(block, max_lipschitz=0.5)
    >>> report.certificate.invertible, report.certificate.bound <= 0.5
    (True, True)
    """
    if max_lipschitz is not None and not 0 < max_lipschitz < 1:
        raise ValueError(f"`max_lipschitz` must lie in (0, 1). Received: max_lipschitz={max_lipschitz!r}")
    branches = branches_of(model)
    conv = conv_bound_within(branches, budget_s)
    scaled: dict[int, ScaledKernel] = {}
    for name, branch, event_shape, _ in branches:
        for _ in range(_ROUNDS):
            if not _contract_branch(scaled, name, branch, (None, *event_shape), conv, max_lipschitz):
                break
    return Contraction(tuple(scaled.values()), certify(model, budget_s=budget_s))


def promises_contraction(model: Any) -> bool:
    """Whether each linear layer of all branches has a `coeff`, so that `contract` knows what they may have.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.evaluation.contraction import promises_contraction
    >>> promises_contraction(ki.zoo.toy_flow(blocks=1, units=(4,)))
    True
    """
    branches = branches_of(model)
    conv = conv_bound_within(branches, 0.0)
    try:
        layers = [
            layer
            for _, branch, event_shape, _ in branches
            for layer, bound in parts_and_bounds(branch, (None, *event_shape), conv)
            if bound.is_linear
        ]
    except UnknownBoundError:
        return False
    return all(_target(layer) is not None for layer in layers)


def _contract_branch(scaled, name, branch, input_shape, conv, max_lipschitz):
    """Scale what is above its share, and note it; whether anything was."""
    try:
        found = list(parts_and_bounds(branch, input_shape, conv))
    except UnknownBoundError:
        return False
    linear = {id(layer): (layer, bound) for layer, bound in found if bound.is_linear}
    count = sum(bound.is_linear for _, bound in found)
    fixed = math.prod(bound.norm for _, bound in found if not bound.is_linear)
    any_above = False
    for key, (layer, bound) in linear.items():
        share = _share(layer, max_lipschitz, fixed, count)
        if bound.norm <= share:
            continue
        factor = _scale(layer, share, bound.norm)
        before = scaled.get(key, ScaledKernel(name, bound.name, bound.norm, share, 1.0))
        scaled[key] = dataclasses.replace(before, share=share, factor=before.factor * factor)
        any_above = True
    return any_above


def _share(layer, max_lipschitz, fixed, count):
    if max_lipschitz is not None:
        return (max_lipschitz / max(fixed, np.finfo(np.float64).tiny)) ** (1 / count)
    target = _target(layer)
    if target is None:
        raise ValueError(
            "`max_lipschitz` must be given for a branch with a layer that has no `coeff`. "
            f"Received: None, for {layer.name}"
        )
    return target


def _target(layer):
    """What training holds a layer's constant at, or `None`."""
    if isinstance(layer, Concatenation):
        return None if layer.linear.coeff is None else layer.scale
    return getattr(layer, "coeff", None)


def _scale(layer, share, bound):
    """Multiply the kernel that evaluation uses so that the layer's bound falls to its share, or a little below."""
    factor = share / bound
    if isinstance(layer, Concatenation):
        wanted, found = (_norm_within(layer, value) for value in (share, bound))
        factor, layer = wanted / found, layer.linear
    kernel = layer.normalized_kernel() if isinstance(layer, SpectralLayer) else tf.convert_to_tensor(layer.kernel)
    factor *= 1 - _ROUNDINGS * float(np.finfo(kernel.dtype.as_numpy_dtype).eps)
    if not factor > 0:
        raise ValueError(
            "Kernels must be finite to be scaled, and what a concatenation keeps no more than its share. "
            f"Received: {layer.name}, of a bound of {bound}, to be {share}"
        )
    # Its estimate sigma is at most `coeff`, and that of the product too: it is used as it stands from here on.
    layer.kernel.assign(kernel * tf.constant(factor, kernel.dtype))
    return factor


def _norm_within(layer, value):
    """The norm of W for which the bound scale |(a, b |W|)| of a `Concatenation` is the given value; 0 where none is."""
    kept, new = (float(share) for share in layer.shares())
    power = norm_of(layer.linear)
    if math.isinf(power):
        return value / layer.scale / new if value > layer.scale * kept else 0.0
    return max((value / layer.scale) ** power - kept**power, 0.0) ** (1 / power) / new
