"""How many steps of fixed points are certainly enough: before any of them is taken."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from keras_iresnet.ops.bounds.bound_formulas import smallest_number


class Solve(NamedTuple):
    """The fixed point of a block, on the way through several of them.

    Attributes:
        lip: L of the branch; infinite where nothing is known.
        factor: by which errors in the norm of L can be larger in the Euclidean one.
        growth: by which the layers that follow can stretch its error.
    """

    lip: float
    factor: float
    growth: float

    def error(self, steps: int, first_step: float) -> float:
        """What is left of its error after some steps of which the first moved x by `first_step`."""
        if not self.lip < 1:
            return math.inf
        return self.growth * self.factor * self.lip**steps / (1 - self.lip) * first_step


def error_after(solves: Iterable[Solve], steps: int, first_step: float) -> float:
    """How far x can be off after as many steps of each fixed point, in exact arithmetic.

        sum of K L^n / (1 - L) |x_1 - x_0|

    over the blocks, K what follows can stretch by.

    Args:
        solves: of all blocks.
        steps: n of each.
        first_step: bound of |x_1 - x_0| of each block, which is |g(y)|.

    Reference: Banach's fixed-point theorem, a priori.

    Example:
    >>> from keras_iresnet.ops.bounds.solve_error import Solve, error_after
    >>> error_after([Solve(0.5, 1.0, 1.0)], 3, 1.0)
    0.25
    """
    return math.fsum(solve.error(steps, first_step) for solve in solves)


def steps_for_error(solves: Iterable[Solve], error: float, first_step: float) -> int:
    """The smallest number of steps for which `error_after` is at most `error`.

    Raises:
        ValueError: no number is enough, or `error` or `first_step` is not positive.

    Example:
    >>> from keras_iresnet.ops.bounds.solve_error import Solve, steps_for_error
    >>> steps_for_error([Solve(0.5, 1.0, 1.0)], 0.25, 1.0)
    3
    """
    solves = tuple(solves)
    if not (error > 0 and first_step > 0) or not math.isfinite(error_after(solves, 1, first_step)):
        raise ValueError(
            "`error` and `first_step` must be positive, and what is solved must be proved to converge. "
            f"Received: error={error!r}, first_step={first_step!r}, bounds of branches {[one.lip for one in solves]}"
        )
    return smallest_number(lambda steps: error_after(solves, steps, first_step) <= error)
