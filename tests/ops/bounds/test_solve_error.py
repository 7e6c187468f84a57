"""Steps that are enough, against steps that are taken."""

import math

import numpy as np
import pytest

from keras_iresnet.ops.bounds.solve_error import Solve, error_after, steps_for_error


def _inverse_error(matrices, y, steps):
    """Largest |x_n - x*| of the inverse of x -> x + A x, one matrix after the other, and the first steps' lengths."""
    x = exact = y
    first = []
    for matrix in reversed(matrices):
        target = x
        first.append(np.linalg.norm(matrix @ target))
        for _ in range(steps):
            x = target - matrix @ x
        exact = np.linalg.solve(np.eye(len(matrix)) + matrix, exact)
    return np.linalg.norm(x - exact), max(first)


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8])
def test_no_iteration_is_further_off(steps):
    rng = np.random.default_rng(steps)
    lips, ratios = (0.8, 0.5), []
    # Worst: one dimension with the same sign everywhere.
    solves = [Solve(lips[0], 1.0, 1.0), Solve(lips[1], 1.0, 1 / (1 - lips[0]))]
    worst = [np.array([[-lips[0]]]), np.array([[-lips[1]]])]
    for trial in range(200):
        matrices = worst
        if trial:
            drawn = [rng.normal(size=(3, 3)) for _ in lips]
            matrices = [lip * one / np.linalg.norm(one, 2) for lip, one in zip(lips, drawn, strict=True)]
        error, first = _inverse_error(matrices, rng.normal(size=len(matrices[0])), steps)
        bound = error_after(solves, steps, first)
        assert error <= bound * (1 + 1e-12)
        ratios.append(error / bound)
    assert max(ratios) > 0.3


@pytest.mark.parametrize("error", [1.0, 1e-3, 1e-9])
def test_the_number_of_steps_is_the_smallest(error):
    solves = [Solve(0.9, 2.0, 3.0), Solve(0.3, 1.0, 100.0)]
    terms = [(2 * 3 / 0.1, 0.9), (100 / 0.7, 0.3)]
    expected = next(n for n in range(1, 10_000) if 5 * sum(a * lip**n for a, lip in terms) <= error)
    assert steps_for_error(solves, error, 5.0) == expected


@pytest.mark.parametrize("solves", [[Solve(1.0, 1.0, 1.0)], [Solve(math.inf, 1.0, 1.0)], [Solve(0.5, 1.0, math.inf)]])
def test_what_need_not_converge_is_refused(solves):
    with pytest.raises(ValueError, match="proved to converge"):
        steps_for_error(solves, 1e-3, 1.0)
    with pytest.raises(ValueError, match=r"Received: error=0"):
        steps_for_error([Solve(0.5, 1.0, 1.0)], 0, 1.0)
