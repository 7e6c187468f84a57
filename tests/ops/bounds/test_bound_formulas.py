import decimal
import math

import numpy as np
import pytest

from keras_iresnet.ops import bounds


@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (4, 5, 6)])
def test_matrix_norm_is_the_largest_singular_value_and_never_less(shape):
    for seed in range(20):
        matrix = np.random.default_rng(seed).normal(size=shape)
        exact = np.linalg.svd(matrix, compute_uv=False).max()
        assert exact <= bounds.matrix_norm(matrix) <= exact * (1 + 1e-12)


def test_a_matrix_that_is_not_finite_has_no_bound():
    assert bounds.matrix_norm([[1.0, np.inf]]) == math.inf


def _bias(lip, num_terms, dimension):
    """-D (ln(1 - L) + sum L^k / k), with digits to spare."""
    with decimal.localcontext(prec=500):
        lip = decimal.Decimal(lip)
        series = sum((lip**k / k for k in range(1, num_terms + 1)), decimal.Decimal(0))
        return float(-dimension * ((1 - lip).ln() + series))


@pytest.mark.parametrize("lip", [0.0, 1e-9, 0.1, 0.729, 0.9, 0.99, 0.99999, 1 - 1e-7, 1 - 1e-12])
@pytest.mark.parametrize("num_terms", [0, 1, 10, 200])
def test_series_bias_is_the_tail_to_all_digits(lip, num_terms):
    expected = _bias(lip, num_terms, 784)
    assert bounds.series_bias(lip, num_terms, 784) == pytest.approx(expected, rel=1e-10, abs=1e-300)


@pytest.mark.parametrize("lip", [1.0, 1.2, math.inf])
def test_no_contraction_has_no_bias_bound(lip):
    assert bounds.series_bias(lip, 10, 3) == math.inf


def test_terms_for_bias_are_enough_and_not_one_more():
    lips, dimensions = [0.72, 0.9, 0.3], [784, 392, 196]
    for nats in (100.0, 1.0, 0.05, 1e-9):
        n = bounds.terms_for_bias(lips, dimensions, nats)
        assert sum(_bias(lip, n, d) for lip, d in zip(lips, dimensions, strict=True)) <= nats
        assert n == 1 or sum(_bias(lip, n - 1, d) for lip, d in zip(lips, dimensions, strict=True)) > nats
    assert bounds.terms_for_bias([], [], 0.1) == 1


def test_inverse_error_holds_along_an_iteration_and_is_met_by_the_worst():
    lip, y = 0.8, 1.0
    x, solution = y, y / (1 + lip)  # g(x) = lip x
    for _ in range(5):
        step, x = abs(y - lip * x - x), y - lip * x
        assert abs(x - solution) <= bounds.inverse_error(lip, step) * (1 + 1e-12)
    x = y
    for _ in range(5):  # g(x) = -lip x moves one way: the bound is met
        step, x = abs(y + lip * x - x), y + lip * x
        assert abs(x - y / (1 - lip)) == pytest.approx(bounds.inverse_error(lip, step))
    assert bounds.inverse_error(1.0, 1e-9) == math.inf


@pytest.mark.parametrize(
    ("call", "received"),
    [
        (lambda: bounds.series_bias(-0.1, 2, 3), "lip=-0.1"),
        (lambda: bounds.series_bias(math.nan, 2, 3), "lip=nan"),
        (lambda: bounds.inverse_error(-1.0, 2.0), "lip=-1.0"),
        (lambda: bounds.terms_for_bias([0.5, 1.0], [1, 1], 0.1), "1.0"),
        (lambda: bounds.terms_for_bias([0.5], [1], 0.0), "nats=0.0"),
    ],
)
def test_what_cannot_be_is_refused(call, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        call()
