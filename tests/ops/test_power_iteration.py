import numpy as np
import oracles
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_iresnet.ops import maps
from keras_iresnet.ops.power_iteration import converge, power_iteration

# name: kernel shape, grid, strides, padding
CONVOLUTIONS = {
    "same": ((3, 3, 2, 3), (5, 5), 1, "same"),
    "same, even grid, not square": ((3, 3, 2, 2), (4, 6), 1, "same"),
    "same, even kernel": ((2, 2, 2, 2), (4, 4), 1, "same"),
    "kernel larger than the grid": ((3, 3, 2, 2), (2, 1), 1, "same"),
    "valid": ((3, 3, 2, 3), (5, 6), 1, "valid"),
    "strided": ((3, 3, 2, 3), (6, 6), 2, "same"),
    "strided, odd grid": ((3, 3, 2, 3), (5, 7), 2, "same"),
    "strided, valid": ((3, 3, 2, 2), (7, 7), 2, "valid"),
    "1x1": ((1, 1, 3, 4), (3, 3), 1, "same"),
}


def convolution(name):
    shape, grid, strides, padding = CONVOLUTIONS[name]
    kernel = np.random.default_rng(3).normal(size=shape)

    def operator(kernel):
        options = {"strides": strides, "padding": padding.upper()}
        return maps.Conv2D(tf.convert_to_tensor(kernel), grid=(*grid, shape[2]), **options)

    def matrix(kernel):
        return oracles.convolution_matrix(kernel, grid, strides=strides, padding=padding)

    return kernel, operator, matrix


def start(operator, x_shape):
    y = operator.apply(tf.zeros((1, *x_shape), tf.float64))
    return tf.constant(np.random.default_rng(4).normal(size=y.shape))


def long_run(operator, u, iterations=1000):
    """Plain power iteration until nothing moves any more."""

    @tf.function(autograph=False)
    def burn_in(u):
        step = lambda u: (power_iteration(operator, u).u,)  # noqa: E731
        return tf.while_loop(lambda u: True, step, (u,), maximum_iterations=iterations)[0]

    return power_iteration(operator, burn_in(u))


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.sweep(3)
def test_norm_of_a_convolution_is_that_of_its_dense_matrix(name):
    kernel, operator, matrix = convolution(name)
    u = start(operator(kernel), operator(kernel).grid)
    expected = pytest.approx(oracles.norm(matrix(kernel)), rel=1e-6)
    assert float(long_run(operator(kernel), u).sigma[0]) == expected
    found = converge(operator(kernel), u, rounds=100)
    assert float(found.sigma[0]) == expected
    assert float(power_iteration(operator(kernel), found.u, iterations=0).sigma[0]) == expected


def test_norm_of_a_matrix():
    kernel = np.random.default_rng(3).normal(size=(6, 4))
    sigma = long_run(maps.Dense(tf.constant(kernel)), tf.ones((1, 4), tf.float64)).sigma[0]
    assert float(sigma) == pytest.approx(oracles.norm(kernel), rel=1e-6)


@pytest.mark.parametrize("iterations", [0, 1])
@pytest.mark.parametrize("name", ["same", "valid", "strided", "dense"])
@pytest.mark.sweep(3)
def test_gradient_of_the_norm_agrees_with_finite_differences(name, iterations):
    if name == "dense":
        kernel, operator, matrix = np.random.default_rng(3).normal(size=(6, 4)), maps.Dense, np.asarray
        u = tf.ones((1, 4), tf.float64)
    else:
        kernel, operator, matrix = convolution(name)
        u = start(operator(kernel), operator(kernel).grid)
    kernel = tf.constant(kernel)
    u = long_run(operator(kernel), u).u
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        sigma = power_iteration(operator(kernel), u, iterations=iterations).sigma[0]
    expected = oracles.difference_gradient(lambda kernel: oracles.norm(matrix(kernel)), kernel)
    np.testing.assert_allclose(tape.gradient(sigma, kernel), expected, atol=1e-6)


def test_gradient_holds_both_vectors_fixed_where_they_have_not_converged():
    kernel = np.random.default_rng(3).normal(size=(6, 4))
    u = np.ones((1, 4)) / 2
    v = u @ kernel.T / np.linalg.norm(u @ kernel.T)
    new_u = v @ kernel / np.linalg.norm(v @ kernel)
    for iterations, left in [(0, u), (1, new_u)]:
        matrix = tf.constant(kernel)
        with tf.GradientTape() as tape:
            tape.watch(matrix)
            result = power_iteration(maps.Dense(matrix), tf.constant(u), iterations=iterations)
        assert float(result.sigma[0]) < 0.99 * oracles.norm(kernel)
        np.testing.assert_allclose(tape.gradient(result.sigma, matrix), v.T @ left, rtol=1e-12)


@given(rows=st.integers(1, 6), columns=st.integers(1, 6), iterations=st.integers(0, 6), seed=st.integers(0, 2**20))
@pytest.mark.slow
def test_estimate_is_never_above_the_norm_and_grows(rows, columns, iterations, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, columns))
    u = rng.normal(size=(1, columns))
    u = tf.constant(u / np.linalg.norm(u))
    found = [power_iteration(maps.Dense(matrix), u, iterations=0)]
    for _ in range(iterations):
        found.append(power_iteration(maps.Dense(matrix), found[-1].u))
    estimates = [float(one.sigma[0]) for one in found]
    assert estimates[-1] <= oracles.norm(matrix) * (1 + 1e-12)
    assert (np.diff(estimates) >= -1e-12).all()


def test_vector_stays_a_unit_vector_of_the_range():
    kernel, operator, matrix = convolution("same")
    u = start(operator(kernel), operator(kernel).grid)
    result = power_iteration(operator(kernel), u, iterations=3)
    flat = np.reshape(result.u, -1)
    assert np.linalg.norm(flat) == pytest.approx(1)
    _, _, vectors = np.linalg.svd(matrix(kernel).T)
    rank = np.linalg.matrix_rank(matrix(kernel))
    np.testing.assert_allclose(vectors[rank:] @ flat, 0, atol=1e-12)


def test_iterations_are_counted():
    matrix = maps.Dense(tf.constant(np.random.default_rng(0).normal(size=(5, 5))))
    u = tf.ones((1, 5), tf.float64)
    once = power_iteration(matrix, u)
    np.testing.assert_allclose(
        power_iteration(matrix, once.u, iterations=2).u, power_iteration(matrix, u, iterations=3).u, rtol=1e-12
    )


@pytest.mark.parametrize("shape", [(64, 64), (3, 40), (40, 3), (1, 1)])
def test_subspace_finds_the_norm_where_singular_values_are_close(shape):
    # Norms in (0.99, 1): a single vector would need thousands of steps to tell them apart.
    rng = np.random.default_rng(6)
    left, _, right = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    values = np.concatenate([[1.0, 0.999, 0.995], np.linspace(0.9, 0.1, 61)])[: min(shape)]
    operator = maps.Dense(tf.constant(left * values @ right))
    found = converge(operator, tf.constant(rng.normal(size=(1, shape[1]))), rounds=30)
    assert 1 - 1e-6 <= float(found.sigma[0]) <= 1 + 1e-12
    assert np.linalg.norm(found.u) == pytest.approx(1)


def test_convergence_of_a_vanishing_operator_keeps_the_vector():
    u = tf.constant([[1.0, 2.0, 3.0]])
    found = converge(maps.Dense(tf.zeros((4, 3))), u)
    assert float(found.sigma[0]) == 0
    np.testing.assert_array_equal(found.u, u)


def test_convergence_carries_no_gradient():
    kernel = tf.constant(np.diag([2.0, 1.0, 0.5]))
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        found = converge(maps.Dense(kernel), tf.ones((1, 3), tf.float64))
        total = found.sigma[0] + tf.reduce_sum(found.u)
    assert tape.gradient(total, kernel) is None


@pytest.mark.parametrize("name", ["same", "strided"])
def test_xla_gives_the_same_estimate_and_gradient(name):
    kernel, operator, _ = convolution(name)
    u = start(operator(kernel), operator(kernel).grid)

    def estimate(kernel):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            sigma = power_iteration(operator(kernel), u, iterations=2).sigma[0]
        return sigma, tape.gradient(sigma, kernel)

    kernel = tf.constant(kernel)
    for a, b in zip(estimate(kernel), tf.function(estimate, jit_compile=True)(kernel), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
