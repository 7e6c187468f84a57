"""Of every linear layer the bound that is proved, the estimate that training relies on, and the norm that it has."""

import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_iresnet.evaluation.certificate import Certificate, walk
from keras_iresnet.evaluation.layer_norms import DENSE_SIDE, operator_norm
from keras_iresnet.layers import BranchBlock
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer


@dataclasses.dataclass(frozen=True)
class LayerNorms:
    """Norms of the kernel of a spectral layer that evaluation uses.

    Attributes:
        name: block and layer.
        bound: proved, as the certificate has it.
        estimate: of power iteration as it stands.
        norm: the largest singular value of the operator written out; NaN where that is too large.
        coeff: what training holds the layer to, or `None`.
    """

    name: str
    bound: float
    estimate: float
    norm: float
    coeff: float | None


def certified_norms(model: Any, certificate: Certificate) -> list[LayerNorms]:
    """Of every spectral layer in the residual blocks of a model, in the order of the data.

    Args:
        model: what `certify` was asked about.
        certificate: what it said.

    Raises:
        ValueError: no residual block has a spectral layer whose bound is known.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.evaluation.certificate_picture import certified_norms
    >>> flow = ki.zoo.toy_flow(blocks=1, units=(8,), seed=0)
    >>> norms = certified_norms(flow, ki.certify(flow))
    >>> len(norms), all(found.norm <= found.bound for found in norms)
    (2, True)
    """
    blocks = [layer for layer in walk(model) if isinstance(layer, BranchBlock)]
    found = []
    for block, bounds in zip(blocks, certificate.blocks, strict=True):
        by_name = {layer.name: layer.norm for layer in bounds.layers}
        found += [
            _norms(f"{bounds.name}, {layer.name}", layer, by_name[layer.name])
            for layer in _spectral_layers(block.branch)
            if layer.name in by_name
        ]
    if not found:
        raise ValueError("`model` must have residual blocks with spectral layers of known bounds. Received: none")
    return found


def save_certificate_picture(norms: Sequence[LayerNorms], path: str | os.PathLike, title: str = "") -> None:
    """Draw bounds, estimates and norms by depth as PNG.

    Args:
        norms: of `certified_norms`.
        path: file.
        title: of the picture.
    """
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplots()
    for name, style, label in (
        ("bound", "_", "bound, proved"),
        ("norm", ".", "largest singular value"),
        ("estimate", "x", "estimate of training"),
    ):
        axes.plot([getattr(one, name) for one in norms], style, ms=8 if name == "bound" else 5, label=label)
    axes.plot([math.nan if one.coeff is None else one.coeff for one in norms], ":", lw=0.8, color="grey", label="coeff")
    axes.set(xlabel="linear layer", ylabel="norm", title=title)
    axes.legend(fontsize="small")
    figure.savefig(path, format="png", dpi=120)


def _spectral_layers(branch):
    parts = getattr(branch, "spectral_layers", None) or walk(branch)
    return [layer for layer in parts if isinstance(layer, SpectralLayer)]


def _norms(name, layer, bound):
    kernel = np.asarray(layer.normalized_kernel(), np.float64)
    sigma = float(layer.sigma())
    estimate = sigma if layer.coeff is None else min(sigma, layer.coeff)
    norm = operator_norm(layer, kernel)[0] if _written_out(layer, kernel) else math.nan
    return LayerNorms(name, bound, estimate, norm, layer.coeff)


def _written_out(layer, kernel):
    if layer.norm != (2.0, 2.0):
        return False
    grid = layer.input_spec.shape[1:3] if kernel.ndim == 4 and kernel.shape[:2] != (1, 1) else (1,)
    return math.prod(grid) * min(kernel.shape[-2:]) <= DENSE_SIDE
