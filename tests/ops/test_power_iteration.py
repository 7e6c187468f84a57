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


def long_run(operator, u, iterations=1500):
    @tf.function(autograph=False)
    def burn_in(u):
        return converge(operator, u, tolerance=0.0, max_iterations=iterations).u

    return power_iteration(operator, burn_in(u))


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_norm_of_a_convolution_is_that_of_its_dense_matrix(name):
    kernel, operator, matrix = convolution(name)
    u = start(operator(kernel), operator(kernel).grid)
    assert float(long_run(operator(kernel), u).sigma) == pytest.approx(oracles.norm(matrix(kernel)), rel=1e-6)


def test_norm_of_a_matrix():
    kernel = np.random.default_rng(3).normal(size=(6, 4))
    sigma = long_run(maps.Dense(tf.constant(kernel)), tf.ones((1, 4), tf.float64)).sigma
    assert float(sigma) == pytest.approx(oracles.norm(kernel), rel=1e-6)


@pytest.mark.parametrize("iterations", [0, 1])
@pytest.mark.parametrize("name", ["same", "valid", "strided", "dense"])
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
        sigma = power_iteration(operator(kernel), u, iterations=iterations).sigma
    expected = oracles.difference_gradient(lambda kernel: oracles.norm(matrix(kernel)), kernel)
    np.testing.assert_allclose(tape.gradient(sigma, kernel), expected, atol=1e-6)


@given(rows=st.integers(1, 6), columns=st.integers(1, 6), iterations=st.integers(0, 6), seed=st.integers(0, 2**20))
def test_estimate_is_never_above_the_norm_and_grows(rows, columns, iterations, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, columns))
    u = rng.normal(size=(1, columns))
    u = tf.constant(u / np.linalg.norm(u))
    estimates = [float(power_iteration(maps.Dense(matrix), u, iterations=n).sigma) for n in range(iterations + 1)]
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


def test_convergence_stops_on_its_tolerance_and_carries_no_gradient():
    kernel = tf.constant(np.diag([2.0, 1.0, 0.5]))
    u = tf.ones((1, 3), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        loose = converge(maps.Dense(kernel), u, tolerance=0.1)
        total = loose.sigma + tf.reduce_sum(loose.u)
    assert tape.gradient(total, kernel) is None
    assert 1e-9 < 2 - float(loose.sigma) < 0.2
    assert float(converge(maps.Dense(kernel), u, tolerance=1e-12).sigma) == pytest.approx(2, rel=1e-9)


@pytest.mark.parametrize("name", ["same", "strided"])
def test_xla_gives_the_same_estimate_and_gradient(name):
    kernel, operator, _ = convolution(name)
    u = start(operator(kernel), operator(kernel).grid)

    def estimate(kernel):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            sigma = power_iteration(operator(kernel), u, iterations=2).sigma
        return sigma, tape.gradient(sigma, kernel), converge(operator(kernel), u).sigma

    kernel = tf.constant(kernel)
    for a, b in zip(estimate(kernel), tf.function(estimate, jit_compile=True)(kernel), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
