"""What is proved about a model's invertibility: bounds of every layer's norm and every block's Lipschitz constant."""

import dataclasses
import math
from collections.abc import Iterable, Iterator
from typing import Any

import keras

from keras_iresnet.borrowed.keras_names import layers_directly_in
from keras_iresnet.layers import Branch, BranchBlock, Chain, Inverse, InvertibleLayer, MonotoneBlock
from keras_iresnet.layers.lipschitz import (
    ConvBound,
    LayerBound,
    UnknownBoundError,
    composed_norm,
    part_bounds,
    within_budget,
    written_out_costs,
)
from keras_iresnet.layers.map_bounds import BranchLip, MapBounds
from keras_iresnet.layers.spectral.spectral_conv2d import SpectralConv2D
from keras_iresnet.layers.spectral.spectral_dense import SpectralDense
from keras_iresnet.ops import bounds
from keras_iresnet.ops.bounds.conv_bounds import DEFAULT_BUDGET_S
from keras_iresnet.ops.bounds.odd_bias import odd_series_bias
from keras_iresnet.ops.bounds.solve_error import Solve, steps_for_error

SHOWN_BIAS = 1e-3  # nats, of the log-determinant of an example
SHOWN_ERROR = 1e-6  # of an inverse, in data space

BranchOf = tuple[str, Any, tuple[int, ...], str]  # name, branch, event shape and kind of a block


@dataclasses.dataclass(frozen=True)
class BlockBound:
    """A branch g and a bound of its Lipschitz constant.

    Attributes:
        name: of the residual block, or of what was certified alone.
        event_shape: shape of one example of its input.
        lip: no smaller than Lip(g); infinite where nothing is known.
        layers: its linear layers, what keeps its input beside one, and what else has another constant than 1; `lip` is
            the product of their bounds.
        reason: why nothing is known, or `None`.
        norm: p of the l_p norm that all of this is about: a contraction in any has an inverse, and the series
            converges as fast.
        kind: what is made of g: `"residual"`, x + g(x); `"inverse"`, the inverse of that; or `"monotone"`.
    """

    name: str
    event_shape: tuple[int, ...]
    lip: float
    layers: tuple[LayerBound, ...] = ()
    reason: str | None = None
    kind: str = "residual"
    norm: float = 2.0

    @property
    def lip_forward(self) -> float:
        """No smaller than Lip(F) of the block; infinite where nothing is known."""
        return self._stretches()[0]

    @property
    def lip_inverse(self) -> float:
        """No smaller than Lip(F^-1) of the block; infinite where nothing is known."""
        return self._stretches()[1]

    def _stretches(self):
        largest = 1 + self.lip
        inverse = 1 / (1 - self.lip) if self.lip < 1 else math.inf
        if self.kind == "monotone":
            return largest * inverse, largest * inverse
        return (inverse, largest) if self.kind == "inverse" else (largest, inverse)

    def series_bias(self, num_terms: int) -> float:
        """Nats that the block's log-determinant can be off when its series is cut there."""
        bias = odd_series_bias if self.kind == "monotone" else bounds.series_bias
        return bias(self.lip, num_terms, self.dimension)

    @property
    def dimension(self) -> int:
        """Of one example."""
        return math.prod(self.event_shape)

    def __str__(self):
        norms = " x ".join(f"{layer.norm:.4f} ({layer.method})" for layer in self.layers)
        where = "" if self.norm == 2 else f" in l_{self.norm:g}"
        return f"{self.name} {self.event_shape}: Lip(g) <= {self.lip:.4f}{where}" + f" = {self.reason or norms}"


@dataclasses.dataclass(frozen=True)
class Certificate:
    """Bounds of all residual blocks, from first to last; printed, it is a report.

    Attributes:
        blocks: a `BlockBound` each.
        whole: bounds of the map F from examples to latents or features, logit and scales included: `forward` of Lip(F),
            `inverse` of Lip(F^-1), `log_det` of |log|det dF/dx||, and which layers have none; `None` where what was
            certified is no invertible layer, nor a model around one.
    """

    blocks: tuple[BlockBound, ...]
    whole: MapBounds | None = None

    @property
    def layers(self) -> tuple[LayerBound, ...]:
        """The bounds of all linear layers."""
        return tuple(layer for block in self.blocks for layer in block.layers)

    @property
    def bound(self) -> float:
        """The largest Lipschitz bound of a block; 0 where there is none."""
        return max((block.lip for block in self.blocks), default=0.0)

    @property
    def invertible(self) -> bool:
        """Whether every block is proved to be invertible; all other layers have their inverse in closed form."""
        return all(block.lip < 1 for block in self.blocks)

    def series_bias(self, num_terms: int) -> float:
        """Nats that the log-determinant can be off when each block's series is cut there; see `bounds.series_bias`."""
        return math.fsum(block.series_bias(num_terms) for block in self.blocks)

    def num_terms(self, nats: float) -> int:
        """The smallest number of terms for which `series_bias` is at most `nats`.

        Raises:
            ValueError: the model is not certified, so that no number is enough.
        """
        if not nats > 0 or not self.invertible:
            lips = [block.lip for block in self.blocks]
            raise ValueError(
                f"`nats` must be positive and every Lipschitz bound below 1. Received: nats={nats}, {lips=}"
            )
        return bounds.smallest_number(lambda num_terms: self.series_bias(num_terms) <= nats)

    def inverse_steps(self, error: float, *, first_step: float = 1.0) -> int:
        """The smallest number of steps of every fixed point that certainly leave F^-1 wrong by at most `error`.

        Args:
            error: |x_n - x*| in data space, in exact arithmetic.
            first_step: what the first step of a block moves x by, at most, |g(y)|: half of it takes half of the error.

        Raises:
            ValueError: the inverse is not proved to converge, or an argument is not positive.

        Example:
        >>> import keras_iresnet as ki
        >>> block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((8,), coeff=0.5))
        >>> block.build((None, 2))
        >>> ki.certify(block).inverse_steps(1e-3)  # 0.25^5 / 0.75 = 1.3e-3
        6
        """
        solves = (Solve(math.inf, 1.0, 1.0),) if self.whole is None else self.whole.inverse_solves
        return steps_for_error(solves, error, first_step)

    def __str__(self):
        open_ones = sum(not block.lip < 1 for block in self.blocks)
        verdict = (
            f"Certified: the bounds of all {len(self.blocks)} branches are below 1, the largest is {self.bound:.4f}."
            if self.invertible
            else f"Not certified: of {len(self.blocks)} branches, {open_ones} have no bound below 1."
        )
        return "\n".join([*map(str, self.blocks), verdict, *self._of_the_whole()])

    def _of_the_whole(self):
        """Lines about the whole map."""
        if self.whole is None:
            return
        whole = self.whole
        stretches = f"Lip(F) <= {whole.forward:.4g}, Lip(F^-1) <= {whole.inverse:.4g}"
        yield f"{stretches}, |log|det|| <= {whole.log_det:.4g} nats."
        if whole.unbounded:
            yield f"No finite bound for all of these has: {', '.join(whole.unbounded)}."
        if self.blocks and self.invertible:
            terms = f"{self.num_terms(SHOWN_BIAS)} terms leave a bias of at most {SHOWN_BIAS:g} nats"
            finite = math.isfinite(whole.inverse)
            steps = f"; {self.inverse_steps(SHOWN_ERROR)} steps a block an error of {SHOWN_ERROR:g}" if finite else ""
            yield f"{terms}{steps}, where a first step moves x by 1."


def certify(model: Any, *, budget_s: float = DEFAULT_BUDGET_S) -> Certificate:
    """Bound the Lipschitz constant of every branch of a model or layer, with the kernels that it evaluates with.

    The estimate sigma of a power iteration can be too small; these bounds cannot, up to the rounding of the model's own
    arithmetic. A convolution's norm is that of its operator, on its own grid, where there is time for it, or else the
    largest singular value of its symbol; each layer names which: `keras_iresnet.ops.bounds.conv_bounds`. A layer of
    your own in a branch can declare its bound by a method `lipschitz_bound()`.

    Args:
        model: built; a `Flow`, a `Chain` or any other invertible layer, a residual block, a `ConvBranch` or
            `DenseBranch`, a spectral layer, or a Keras model that holds such layers.
        budget_s: seconds of one core that may be spent on operators, counted by their products rather than the clock:
            the cheapest are written out first. The symbols of all others are quick.

    Returns:
        `Certificate`. For a branch or a spectral layer alone, it has a single entry, the bound of that map. A
        branch of layers of Keras is known where each of them is `Dense`, `Conv2D`, an activation or a `Sequential` of
        those; one of another kind that declares nothing has no known bound, and is not certified.

    Raises:
        ValueError: not built, or nothing of the above.

    Reference: Behrmann et al., ICML 2019, theorem 1, with the norm of the operator in the place of its estimate.

    Example:
    >>> import keras_iresnet as ki
    >>> report = ki.certify(ki.zoo.digits_flow(blocks=(1, 1), channels=8))
    >>> report.invertible, len(report.blocks), len(report.layers), report.bound < 0.73
    (True, 2, 6, True)
    """
    branches = branches_of(model)
    conv = conv_bound_within(branches, budget_s)
    found = tuple(_bound(name, branch, event, kind, conv) for name, branch, event, kind in branches)
    return Certificate(found, _whole(model, [branch for _, branch, _, _ in branches], found))


def branches_of(model: Any) -> list[BranchOf]:
    """What `certify` bounds in a model: the branches of its residual blocks, or itself where it is one.

    Returns:
        Name of the block, branch, shape of one example of its input, and kind of the block, in the order of the data.

    Raises:
        ValueError: as `certify`.
    """
    if not isinstance(model, (InvertibleLayer, Branch, SpectralConv2D, SpectralDense, keras.Model)):
        raise ValueError(
            "`model` must be a Keras model, an invertible layer, a branch or a spectral layer. "
            f"Received: {type(model).__name__}"
        )
    if not model.built:
        raise ValueError(f"`model` must be built: call it on data first. Received: {model.name}, which is not built")
    if isinstance(model, (Branch, SpectralConv2D, SpectralDense)):
        return [(model.name, model, _event_shape(model), "residual")]
    return [
        (block.name, block.branch, tuple(block.input_spec.shape[1:]), _kind(block, inverted))
        for block, inverted in _blocks(model)
    ]


def conv_bound_within(branches: Iterable[BranchOf], budget_s: float) -> ConvBound:
    """How convolutions of these branches are bounded, so that all of them together take no more than `budget_s`."""
    costs = [cost for _, branch, event, _ in branches for cost in written_out_costs(branch, (None, *event))]
    return within_budget(costs, budget_s)


def walk(layer: Any) -> Iterator[Any]:
    """A layer and all layers in it, in the order of the data."""
    yield layer
    # A chain may hold a layer twice; Keras tracks it once.
    inner = layer.layers if isinstance(layer, Chain) else layers_directly_in(layer)
    for one in inner:
        yield from walk(one)


def _blocks(layer, inverted=False):
    """Every block of one branch in a layer, and whether it stands there the other way round."""
    if isinstance(layer, BranchBlock):
        yield layer, inverted
    inner = layer.layers if isinstance(layer, Chain) else layers_directly_in(layer)
    for one in inner:
        yield from _blocks(one, inverted != isinstance(layer, Inverse))


def _kind(block, inverted):
    return "monotone" if isinstance(block, MonotoneBlock) else "inverse" if inverted else "residual"


def _bound(name, branch, event_shape, kind, conv):
    try:
        found = tuple(part_bounds(branch, (None, *event_shape), conv))
    except UnknownBoundError as error:
        return BlockBound(name, event_shape, math.inf, reason=f"unknown, since {error}", kind=kind)
    try:
        norm = composed_norm(branch)
    except UnknownBoundError as error:
        return BlockBound(name, event_shape, math.inf, found, reason=f"unknown, since {error}", kind=kind)
    return BlockBound(name, event_shape, math.prod(layer.norm for layer in found), found, kind=kind, norm=norm)


def _whole(model, branches, found):
    """The bounds of the map that a model is made around, from those of its branches."""
    layer = getattr(model, "layer", None) if isinstance(model, keras.Model) else model
    if not isinstance(layer, InvertibleLayer):
        return None
    lips = {id(branch): BranchLip(one.lip, one.norm) for branch, one in zip(branches, found, strict=True)}
    return layer._bounds(lambda block: lips[id(block.branch)])


def _event_shape(layer):
    spec = (layer.spectral_layers[0] if isinstance(layer, Branch) else layer).input_spec
    return tuple(spec.shape[1:]) if spec.shape else (spec.axes[-1],)
