"""What is proved about an invertible map: how far it and its inverse can stretch, what its log-determinant can be."""

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from keras_iresnet.ops.bounds.solve_error import Solve

_UP = 1 + 1e-13  # more than the roundings of these formulas
LipOf = Callable[[Any], "BranchLip"]  # of a block of one branch


class BranchLip(NamedTuple):
    """A bound of the Lipschitz constant of a block's branch.

    Attributes:
        lip: infinite where nothing is known.
        norm: p of the l_p norm that it is in.
    """

    lip: float
    norm: float = 2.0

    def euclidean(self, dimension: int) -> float:
        """What an l_p norm of a linear map is to be multiplied by to bound its Euclidean one."""
        power = 0.0 if math.isinf(self.norm) else 1 / self.norm
        return float(dimension) ** abs(0.5 - power)


@dataclasses.dataclass(frozen=True)
class MapBounds:
    """Bounds of an invertible map F of examples, in the Euclidean norm, with its weights as they are.

    Attributes:
        forward: no smaller than Lip(F); infinite where nothing is known.
        inverse: no smaller than Lip(F^-1), likewise.
        lowest_log_det: no larger than log|det dF/dx|, in nats, anywhere.
        highest_log_det: no smaller.
        unbounded: names of the layers because of which any of these is infinite.
        inverse_solves: the fixed points on the way back, each with what its error can grow by until the end.
        forward_solves: those on the way forward, likewise.

    Example:
    >>> from keras_iresnet.layers.map_bounds import MapBounds
    >>> double = MapBounds(2.0, 0.5, 0.7, 0.7)
    >>> double.then(double).forward, double.inverted().forward
    (4.0, 0.5)
    """

    forward: float = 1.0
    inverse: float = 1.0
    lowest_log_det: float = 0.0
    highest_log_det: float = 0.0
    unbounded: tuple[str, ...] = ()
    inverse_solves: tuple[Solve, ...] = ()
    forward_solves: tuple[Solve, ...] = ()

    @classmethod
    def unknown(cls, name: str) -> "MapBounds":
        """Of a layer of which nothing is known."""
        return cls(math.inf, math.inf, -math.inf, math.inf, (name,))

    @property
    def log_det(self) -> float:
        """No smaller than |log|det dF/dx||, in nats."""
        return max(-self.lowest_log_det, self.highest_log_det)

    def then(self, after: "MapBounds") -> "MapBounds":
        """Of this map and another one after it."""
        return MapBounds(
            _product(self.forward, after.forward),
            _product(self.inverse, after.inverse),
            self.lowest_log_det + after.lowest_log_det,
            self.highest_log_det + after.highest_log_det,
            tuple(dict.fromkeys(self.unbounded + after.unbounded)),
            (*self.inverse_solves, *_grown(after.inverse_solves, self.inverse)),
            (*_grown(self.forward_solves, after.forward), *after.forward_solves),
        )

    def inverted(self) -> "MapBounds":
        """Of the inverse."""
        return MapBounds(
            self.inverse,
            self.forward,
            -self.highest_log_det,
            -self.lowest_log_det,
            self.unbounded,
            self.forward_solves,
            self.inverse_solves,
        )

    def beside_identity(self) -> "MapBounds":
        """Of the map that takes one part of x as this one does, and leaves the other as it is."""
        return dataclasses.replace(self, forward=max(1.0, self.forward), inverse=max(1.0, self.inverse))


def one_after_another(parts: Iterable[MapBounds]) -> MapBounds:
    """Of maps from first to last."""
    total = MapBounds()
    for part in parts:
        total = total.then(part)
    return total


def of_scales(smallest: float, largest: float, log_det: float | tuple[float, float], name: str = "") -> MapBounds:
    """Of a map whose Jacobians have singular values from `smallest` to `largest`; `name` is of its layer."""
    inverse = math.inf if smallest == 0 else 1 / smallest
    low, high = log_det if isinstance(log_det, tuple) else (log_det, log_det)
    finite = all(map(math.isfinite, (largest, inverse, low, high)))
    return MapBounds(largest * _UP, inverse * _UP, low, high, () if finite else (name,))


def residual_bounds(found: BranchLip, dimension: int, name: str) -> MapBounds:
    """Of x + g(x): Lip(F) <= 1 + L, Lip(F^-1) <= 1 / (1 - L), and D log(1 - L) <= log|det| <= D log(1 + L).

    In another norm than the Euclidean, both constants are larger by what the norms differ; no eigenvalue is.

    Reference: Behrmann et al., ICML 2019, lemmas 2 and 4.
    """
    lip, factor = found.lip, found.euclidean(dimension)
    high = dimension * math.log1p(lip)
    inverse, low = math.inf, -math.inf
    if lip < 1:
        inverse, low = factor / (1 - lip), dimension * math.log1p(-lip)
    unbounded = () if lip < 1 else (name,)
    return MapBounds((1 + factor * lip) * _UP, inverse * _UP, low, high, unbounded, (Solve(lip, factor, 1.0),))


def monotone_bounds(found: BranchLip, dimension: int, name: str) -> MapBounds:
    """Of the Cayley transform of g: both constants are at most (1 + L) / (1 - L), |log|det|| is D times its logarithm.

    Reference: Ahn et al., NeurIPS 2022 (arXiv:2210.08176).
    """
    lip, factor = found.lip, found.euclidean(dimension)
    if not lip < 1:
        return MapBounds.unknown(name)
    ratio, solves = (1 + lip) / (1 - lip), (Solve(lip, factor, 1.0),)
    nats = dimension * math.log(ratio)
    return MapBounds(factor * ratio * _UP, factor * ratio * _UP, -nats, nats, (), solves, solves)


def _grown(solves, factor):
    return tuple(solve._replace(growth=_product(solve.growth, factor)) for solve in solves)


def _product(first, second):
    """Infinite where one is, even if the other is 0: nothing is known of a constant map's inverse."""
    return math.inf if math.isinf(first) or math.isinf(second) else first * second
