import math

import numpy as np
import oracles
import pytest
import tensorflow as tf
from scipy.optimize import minimize

from keras_iresnet.ops.induced_norm import has_closed_form, induced_norm

rng = np.random.default_rng(3)
INF = math.inf
PAIRS = [(1, 1), (1, 2), (1, 3.5), (1, INF), (2, INF), (3, INF), (INF, INF), (2, 2), (1.5, 1.5), (4, 4)]


def largest_ratio(matrix, p, q):
    """max |W x|_q / |x|_p over many x, of matrix (inputs, outputs): reached for most pairs, a lower bound for all."""
    signs = np.array(np.meshgrid(*[[-1, 1]] * len(matrix))).reshape(len(matrix), -1).T
    dual = np.sign(matrix.T) * np.abs(matrix.T) ** (1 / (p - 1)) if 1 < p < INF else signs
    x = np.concatenate([np.eye(len(matrix)), signs, dual, rng.normal(size=(2000, len(matrix)))])
    ratios = np.linalg.norm(x @ matrix, q, axis=1) / np.linalg.norm(x, p, axis=1)
    if not 1 < p == q:
        return ratios.max()
    found = [
        minimize(lambda x: -np.linalg.norm(x @ matrix, q) / np.linalg.norm(x, p), x[i]).fun
        for i in np.argsort(ratios)[-3:]
    ]
    return -min(found)


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_it_is_the_largest_ratio_or_no_smaller(p, q):
    for shape in ((4, 6), (5, 3)):
        matrix = rng.normal(size=shape)
        norm, truth = float(induced_norm(tf.constant(matrix), p, q)), largest_ratio(matrix, p, q)
        assert norm >= truth * (1 - 1e-9)
        if not 1 < p == q < INF:
            assert norm == pytest.approx(truth, rel=1e-9)
        else:
            assert norm < 1.6 * truth


@pytest.mark.parametrize(("p", "q"), [pair for pair in PAIRS if pair[0] == 1 or pair[1] == INF])
@pytest.mark.parametrize(("size", "grid"), [(3, (5, 4)), (1, (2, 3)), (5, (3, 4))])
def test_of_a_convolution_it_is_that_of_the_operator(p, q, size, grid):
    kernel = rng.normal(size=(size, size, 2, 3))
    matrix = oracles.convolution_matrix(kernel, grid)  # (outputs, inputs)
    dual = {1: INF, INF: 1}.get(p, p / (p - 1) if p != 1 else INF)
    truth = np.linalg.norm(matrix, q, axis=0).max() if p == 1 else np.linalg.norm(matrix, dual, axis=1).max()
    norm = float(induced_norm(tf.constant(kernel), p, q))
    assert norm >= truth * (1 - 1e-12)
    if min(grid) >= size:
        assert norm == pytest.approx(truth)
    elif (p, q) != (1, INF):  # the largest entry may be one of the taps that are read
        assert norm > truth


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_gradient_is_that_of_differences(p, q):
    kernel = rng.normal(size=(3, 2, 4, 3))
    with tf.GradientTape() as tape:
        tensor = tf.constant(kernel)
        tape.watch(tensor)
        norm = induced_norm(tensor, p, q)
    expected = oracles.difference_gradient(lambda value: induced_norm(tf.constant(value), p, q), kernel, step=1e-6)
    np.testing.assert_allclose(tape.gradient(norm, tensor), expected, atol=1e-6)


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_zeros_have_norm_0_and_a_finite_gradient(p, q):
    kernel = tf.Variable(tf.zeros((4, 3)))
    with tf.GradientTape() as tape:
        norm = induced_norm(kernel, p, q)
    assert float(norm) < 1e-20
    assert np.isfinite(tape.gradient(norm, kernel)).all()


@pytest.mark.parametrize(("p", "q"), [(2, 1), (INF, 1), (3, 2), (0.5, 0.5), (math.nan, 2)])
def test_pairs_without_a_bound_are_refused(p, q):
    assert not has_closed_form(p, q)
    with pytest.raises(ValueError, match=r"`p` must be 1, or `q` infinite, or both be equal. Received: p="):
        induced_norm(tf.ones((2, 2)), p, q)
