"""What was proved about a layer, kept until one of its weights changes."""

import math
from collections.abc import Hashable
from typing import Any

import keras

from keras_iresnet.layers.lipschitz import ConvBound, UnknownBoundError, composed_norm, part_bounds, within_budget
from keras_iresnet.layers.lipschitz import written_out_costs as costs_of
from keras_iresnet.layers.map_bounds import BranchLip, MapBounds
from keras_iresnet.layers.weight_state import weight_state
from keras_iresnet.ops.bounds.conv_bounds import DEFAULT_BUDGET_S


class KnownBounds:
    """The `MapBounds` of one layer, in an object in which Keras does not look for weights."""

    def __init__(self) -> None:
        self._state: Hashable = None
        self._bounds: MapBounds | None = None
        self._lips: dict[int, BranchLip] = {}

    def of(self, layer: Any) -> MapBounds:
        """The bounds of the layer whose object this is."""
        self._refresh(layer)
        assert self._bounds is not None
        return self._bounds

    def lip_of(self, layer: Any, block: Any) -> BranchLip:
        """The bound of a block in that layer, or of itself."""
        self._refresh(layer)
        return self._lips[id(block)]

    def of_part(self, layer: Any, part: Any) -> MapBounds:
        """The bounds of a layer in that layer, or of itself."""
        self._refresh(layer)
        return part._bounds(lambda block: self._lips[id(block)])

    def _refresh(self, layer):
        state = weight_state([weight.value for weight in layer.weights])
        if self._bounds is None or state != self._state:
            self._lips = _lips(layer, DEFAULT_BUDGET_S)
            self._bounds = layer._bounds(lambda block: self._lips[id(block)])
            self._state = state


def _lips(layer: Any, budget_s: float) -> dict[int, BranchLip]:
    """The bounds of all blocks in a layer, by their ids."""
    blocks = blocks_in(layer)
    costs = [cost for block in blocks for cost in costs_of(block.branch, _shape(block))]
    conv = within_budget(costs, budget_s)
    return {id(block): branch_lip(block.branch, _shape(block), conv) for block in blocks}


def blocks_in(layer: Any) -> list[Any]:
    """The blocks that the bounds of a layer depend on."""
    found: list[Any] = []

    def noted(block):
        found.append(block)
        return BranchLip(math.inf)

    layer._bounds(noted)
    return list(dict.fromkeys(found))


def branch_lip(branch: keras.layers.Layer, input_shape: tuple[Any, ...], conv: ConvBound) -> BranchLip:
    """The bound of a branch for inputs (batch, *event), infinite where nothing is known of it."""
    try:
        norm = composed_norm(branch)
        return BranchLip(math.prod(part.norm for part in part_bounds(branch, input_shape, conv)), norm)
    except UnknownBoundError:
        return BranchLip(math.inf)


def _shape(block):
    return (None, *block.input_spec.shape[1:])
