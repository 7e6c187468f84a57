"""Bounds of the Lipschitz constant of a branch, part by part, with the kernels that evaluation uses.

A part is known by its very class: a subclass may compute something else. What is unknown can declare a bound itself.
"""

import contextlib
import dataclasses
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.layers.branches.activations import NORMS_OF, LipschitzActivation
from keras_iresnet.layers.branches.branch import Branch
from keras_iresnet.layers.branches.concatenation import Concatenation
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.keras_lipschitz import KERAS_PARTS
from keras_iresnet.layers.spectral.spectral_conv2d import SpectralConv2D
from keras_iresnet.layers.spectral.spectral_dense import SpectralDense
from keras_iresnet.ops.bounds import matrix_norm
from keras_iresnet.ops.bounds.conv_bounds import NormBound, conv_bound, written_out_seconds
from keras_iresnet.ops.induced_norm import induced_norm

_ROUNDING = 1e-6  # of sums of float32 numbers, and of powers of them

ConvBound = Callable[..., NormBound]  # kernel, grid, strides=, padding=


@dataclasses.dataclass(frozen=True)
class LayerBound:
    """A layer of a branch and a bound of its Lipschitz constant, of a linear one its operator's norm.

    Attributes:
        name: of the layer.
        norm: no smaller than the norm of the operator with `normalized_kernel()`.
        method: what proves it, of those of `keras_iresnet.ops.bounds.conv_bounds.NormBound`; `"closed form"` of an
            induced norm that is not Euclidean; `"activation"` for one whose constant is not 1, or `"declared"`.
    """

    name: str
    norm: float
    method: str

    @property
    def is_linear(self) -> bool:
        """Whether it is that of a kernel, which can be scaled."""
        return self.method not in ("activation", "declared")


class UnknownBoundError(ValueError):
    """No bound of a layer is known; the message says why."""


def part_bounds(layer: Any, input_shape: Shape, conv: ConvBound = conv_bound) -> Iterator[LayerBound]:
    """Bounds of all parts that a branch applies in turn, but for those whose constant is 1.

    A layer with a method `lipschitz_bound()` declares its own bound, a number: it is taken at its word.

    Args:
        layer: built: a branch, a spectral layer, `Dense`, `Conv2D`, an activation or a `Sequential` of Keras, or a
            layer that declares its bound.
        input_shape: (batch, *event).
        conv: how a convolution is bounded, called as `keras_iresnet.ops.bounds.conv_bounds.conv_bound`.

    Raises:
        UnknownBoundError: of a part nothing is known.

    Example:
    >>> import keras
    >>> from keras_iresnet.layers.lipschitz import part_bounds
    >>> dense = keras.layers.Dense(2, kernel_initializer="identity", activation="relu")
    >>> dense.build((None, 2))
    >>> [(bound.method, round(bound.norm, 4)) for bound in part_bounds(dense, (None, 2))]
    [('matrix', 1.0)]
    """
    yield from (bound for _, bound in parts_and_bounds(layer, input_shape, conv))


def parts_and_bounds(layer: Any, input_shape: Shape, conv: ConvBound = conv_bound) -> Iterator[tuple[Any, LayerBound]]:
    """`part_bounds`, each with the layer that it is of."""
    if hasattr(layer, "lipschitz_bound"):
        yield layer, LayerBound(layer.name, _declared(layer), "declared")
    elif (parts := _parts(layer)) is not None:
        yield from _in_turn(parts, input_shape, conv)
    elif type(layer) in (SpectralConv2D, SpectralDense) and layer.norm != (2.0, 2.0):
        norm = float(induced_norm(tf.cast(layer.normalized_kernel(), tf.float64), *layer.norm))
        yield layer, LayerBound(layer.name, norm * (1 + _ROUNDING), "closed form")
    elif type(layer) is SpectralConv2D:
        kernel, grid = np.asarray(layer.normalized_kernel()), layer.input_spec.shape[1:3]
        yield layer, LayerBound(layer.name, *conv(kernel, grid, strides=layer.strides, padding=layer.padding))
    elif type(layer) is SpectralDense:
        yield layer, LayerBound(layer.name, matrix_norm(np.asarray(layer.normalized_kernel())), "matrix")
    elif type(layer) is Concatenation:
        kept, new = (float(share) for share in layer.shares())
        (linear,) = part_bounds(layer.linear, input_shape, conv)
        norm = layer.scale * float(np.linalg.norm([kept, new * linear.norm], norm_of(layer.linear)))
        yield layer, LayerBound(layer.name, norm * (1 + _ROUNDING), linear.method)
    elif type(layer) in KERAS_PARTS:
        found = KERAS_PARTS[type(layer)](layer, input_shape, conv)
        if isinstance(found, str):
            raise UnknownBoundError(f"no bound of the {type(layer).__name__} {layer.name} is known, {found}")
        yield from ((layer, LayerBound(layer.name, *one)) for one in found)
    elif type(layer) is not LipschitzActivation:  # whose constant is 1
        raise UnknownBoundError(f"no bound of a {type(layer).__name__} is known")


def composed_norm(branch: Any) -> float:
    """p of the l_p norm that the product of the bounds of a branch's parts is a Lipschitz constant in.

    Each part is bounded from one norm to another, a kernel in those of its `norm`, what declares its bound in l_2; what
    acts on each value alone keeps any. Bounds multiply where each begins in the norm that the one before ends in, and
    make a contraction where the last ends in the norm that the first begins in.

    Args:
        branch: as for `part_bounds`.

    Raises:
        ValueError: they do not; it is an `UnknownBoundError`, and the message says where.

    Example:
    >>> import keras
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.layers.lipschitz import composed_norm
    >>> composed_norm(keras.Sequential([ki.layers.SpectralDense(8, norm="inf"), keras.layers.ReLU()]))
    inf
    >>> composed_norm(ki.layers.SpectralDense(8, norm=(1, "inf")))
    Traceback (most recent call last):
    keras_iresnet.layers.lipschitz.UnknownBoundError: it is bounded from l_1 to l_inf, no contraction of one norm
    """
    parts = list(_leaves(branch))
    first = next((norms[0] for norms in map(_norms, parts) if norms), 2.0)
    now = first
    for part in parts:
        norms = _norms(part)
        if norms and norms[0] != now:
            raise UnknownBoundError(
                f"{part.name} is bounded from l_{norms[0]:g} to l_{norms[1]:g}, after what is bounded in l_{now:g}"
            )
        if type(part) is LipschitzActivation:
            least, most = NORMS_OF.get(part.activation, (1.0, math.inf))
            if not least <= now <= most:
                raise UnknownBoundError(
                    f"{part.activation} is 1-Lipschitz in l_p for p from {least:g} to {most:g}, and stands behind what "
                    f"is bounded in l_{now:g}"
                )
        now = norms[1] if norms else now
    if now != first:
        raise UnknownBoundError(f"it is bounded from l_{first:g} to l_{now:g}, no contraction of one norm")
    return first


def norm_of(layer: Any) -> float:
    """p of the l_p norm that a layer from one norm to the same is bounded in."""
    norms = layer.norm if isinstance(layer, (SpectralConv2D, SpectralDense)) else (2.0, 2.0)
    if norms[0] != norms[1]:
        raise UnknownBoundError(
            f"{layer.name} is bounded from l_{norms[0]:g} to l_{norms[1]:g}, beside what it is given"
        )
    return norms[1]


def within_budget(costs: list[float], budget_s: float) -> ConvBound:
    """`conv_bound` with a limit for each convolution, so that all of them together keep to `budget_s`.

    The cheapest are written out first; those that cost the same are treated alike.

    Args:
        costs: `written_out_seconds` of all.
        budget_s: seconds of one core.
    """
    if not budget_s >= 0:
        raise ValueError(f"`budget_s` must be at least 0. Received: budget_s={budget_s!r}")
    limit = 0.0
    for cost in sorted(set(costs)):
        if math.fsum(other for other in costs if other <= cost) > budget_s:
            break
        limit = cost
    return functools.partial(conv_bound, budget_s=limit)


def written_out_costs(layer: Any, input_shape: Shape) -> list[float]:
    """Seconds that `written_out_seconds` counts for each convolution of a branch; fewer where a part is unknown."""
    costs: list[float] = []

    def counted(kernel, grid, **options):
        costs.append(written_out_seconds(kernel.shape, grid, **options))
        return NormBound(math.inf, "operator")

    with contextlib.suppress(UnknownBoundError):  # it is reported where the bounds are taken
        list(part_bounds(layer, input_shape, counted))
    return costs


def _parts(layer):
    """What a layer applies in turn, where that is known; `None` of a single part."""
    if isinstance(layer, Branch) and type(layer).as_map is Branch.as_map and type(layer).call is Branch.call:
        return layer.parts
    return layer.layers if type(layer) is keras.Sequential else None


def _leaves(layer):
    parts = None if hasattr(layer, "lipschitz_bound") else _parts(layer)
    if parts is None:
        yield layer
    else:
        for part in parts:
            yield from _leaves(part)


def _norms(part):
    """p and q of the l_p and the l_q norm between which a part is bounded; `None` where it is in any."""
    if type(part) in (SpectralConv2D, SpectralDense):
        return part.norm
    if type(part) is Concatenation:
        return (norm_of(part.linear),) * 2
    euclidean = hasattr(part, "lipschitz_bound") or type(part) in (keras.layers.Dense, keras.layers.Conv2D)
    return (2.0, 2.0) if euclidean else None


def _in_turn(parts, shape, conv):
    for part in parts:
        yield from parts_and_bounds(part, shape, conv)
        shape = _output_shape(part, shape)


def _output_shape(layer, shape):
    try:
        return tuple(layer.compute_output_shape(shape))
    except NotImplementedError:  # a layer with a `call` alone: Keras traces it
        return tuple(layer.compute_output_spec(keras.KerasTensor(shape, dtype=layer.compute_dtype)).shape)


def _declared(layer):
    bound = float(layer.lipschitz_bound())
    if not bound >= 0:
        raise ValueError(f"`lipschitz_bound()` of {layer.name} must give a number of at least 0. Received: {bound!r}")
    return bound
