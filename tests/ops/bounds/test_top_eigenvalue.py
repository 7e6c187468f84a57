import numpy as np
import pytest

from keras_iresnet.ops.bounds import top_eigenvalue as module
from keras_iresnet.ops.bounds.top_eigenvalue import top_eigenvalue, top_eigenvalue_by_squaring


def _gram(rows, seed, complex_numbers=False, batch=()):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(*batch, rows, rows + 3)) + 0.2
    if complex_numbers:
        matrix = matrix + 1j * rng.normal(size=matrix.shape)
    return matrix @ np.conj(np.swapaxes(matrix, -1, -2))


def _largest(gram):
    return np.linalg.svd(gram, compute_uv=False).max()


@pytest.mark.parametrize("rows", [1, 5, 300])
@pytest.mark.parametrize("complex_numbers", [False, True])
def test_bound_is_above_the_largest_eigenvalue_by_rounding(rows, complex_numbers):
    gram = _gram(rows, rows, complex_numbers)
    exact = _largest(gram)
    assert exact * (1 - 1e-14) <= top_eigenvalue(gram) <= exact * (1 + 1e-9)


def test_a_guess_that_is_too_small_is_not_believed(monkeypatch):
    gram = _gram(300, 0)
    exact = _largest(gram)
    monkeypatch.setattr(module, "eigsh", lambda *_, **__: np.array([0.9 * exact]))
    assert exact * (1 - 1e-14) <= top_eigenvalue(gram) <= exact * (1 + 1e-9)
    monkeypatch.setattr(module, "eigsh", lambda *_, **__: np.array([exact * (1 - 3e-8)]))  # by less than a margin
    assert exact * (1 - 1e-14) <= top_eigenvalue(gram) <= exact * (1 + 2e-7)


@pytest.mark.parametrize("rows", [1, 4, 40])
def test_squaring_closes_in_on_the_largest_of_a_batch(rows):
    gram = _gram(rows, 1, True, batch=(7,))
    exact = _largest(gram)
    upper, lower = top_eigenvalue_by_squaring(gram)
    assert exact * (1 - 2e-6) <= lower <= exact * (1 + 1e-12)
    assert exact * (1 - 1e-12) <= upper <= exact * (1 + 2e-6)


def test_squaring_stays_above_what_is_known_from_elsewhere():
    gram = _gram(4, 2, batch=(3,))
    exact = _largest(gram)
    assert top_eigenvalue_by_squaring(gram, above=2 * exact) == pytest.approx((2 * exact, 2 * exact), rel=1e-12)
    assert top_eigenvalue_by_squaring(gram, above=0.5 * exact)[0] == pytest.approx(exact, rel=2e-6)


def test_squaring_takes_zeros_ties_and_any_scale():
    assert top_eigenvalue_by_squaring(np.zeros((3, 2, 2))) == (0.0, 0.0)
    for scale in (1e-120, 1e120):
        upper, lower = top_eigenvalue_by_squaring(scale * np.stack([np.eye(5), np.diag([1.0, 1 - 1e-9, 0, 0, 0])]))
        assert (upper / scale, lower / scale) == pytest.approx((1.0, 1.0), rel=2e-6)
        assert upper >= scale
