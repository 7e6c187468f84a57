"""Bounds against an SVD or Lanczos, on the kernels that the certificate meets: random, trained, adversarial."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import convolution_matrix, norm
from scipy.linalg import eigvalsh
from scipy.sparse.linalg import LinearOperator, svds
from trained_flow import blocks

import keras_iresnet as ki
from keras_iresnet.data import digits
from keras_iresnet.layers import SpectralConv2D
from keras_iresnet.ops.bounds.conv_bounds import conv_bound

DENSE = 4096  # rows of the smaller side up to which truth is an SVD
TIGHT = 2048  # rows of the smaller side below which a bound is to be within a per cent


def _truth(kernel, grid, padding="same"):
    """The largest singular value, to 1e-8 at least; by Lanczos it is from below."""
    taps = (kernel.shape[0] - 1) if padding == "valid" else 0
    outputs = math.prod(side - taps for side in grid) * kernel.shape[3]
    inputs = math.prod(grid) * kernel.shape[2]
    if min(inputs, outputs) <= DENSE and max(inputs, outputs) <= 2 * DENSE:
        return _dense_norm(convolution_matrix(kernel, grid, padding=padding))
    weights = tf.constant(kernel)

    def forward(x):
        y = tf.nn.conv2d(tf.reshape(tf.constant(x), (1, *grid, kernel.shape[2])), weights, 1, padding.upper())
        return np.reshape(y, -1)

    def backward(y):
        spread = tf.reshape(tf.constant(y), (1, *[side - taps for side in grid], kernel.shape[3]))
        shape = (1, *grid, kernel.shape[2])
        return np.reshape(tf.nn.conv2d_transpose(spread, weights, shape, 1, padding.upper()), -1)

    operator = LinearOperator((outputs, inputs), matvec=forward, rmatvec=backward, dtype=np.float64)
    start = np.random.default_rng(0).normal(size=min(inputs, outputs))
    return float(svds(operator, k=1, tol=1e-6, v0=start, return_singular_vectors=False)[0])


def _dense_norm(matrix):
    """By an SVD, which takes a minute for thousands of rows; then by the largest eigenvalue of the smaller product."""
    if min(matrix.shape) <= 512:
        return norm(matrix)
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    last = len(gram) - 1
    return math.sqrt(eigvalsh(gram, subset_by_index=[last, last])[0])


def _rows(kernel, grid, padding="same"):
    taps = (kernel.shape[0] - 1) if padding == "valid" else 0
    sides = [grid, [side - taps for side in grid]]
    return min(math.prod(side) * channels for side, channels in zip(sides, kernel.shape[2:], strict=True))


def _check(kernel, grid, padding):
    truth = _truth(kernel, grid, padding)
    found = conv_bound(kernel, grid, padding=padding)
    told = (kernel.shape, grid, padding, found, truth)
    assert found.norm >= truth * (1 - 1e-12), told
    if _rows(kernel, grid, padding) < TIGHT:
        assert found.norm <= 1.01 * truth, told
    if kernel.shape[0] == 3 and min(grid) >= 16:
        assert found.norm <= 1.05 * truth, told


def _random_kernels(count, seed, channels):
    rng = np.random.default_rng(seed)
    for index in range(count):
        side, grid = int(rng.integers(1, 8)), tuple(int(n) for n in rng.integers(4, 17, 2))
        padding = ("same", "valid")[index % 2]
        if padding == "valid":
            side = min(side, *grid)
        inputs, outputs = np.exp(rng.uniform(0, np.log(channels + 0.99), 2)).astype(int)
        yield rng.normal(rng.choice([0, 0.5]), 1, (side, side, inputs, outputs)), grid, padding


def _adversarial_kernels():
    low_pass = np.ones((3, 3, 1, 1)) / 9
    yield low_pass, (4, 4), "same"
    yield np.ones((7, 7, 2, 2)), (4, 4), "same"
    for gap in (1e-3, 1e-7, 0.0):
        for grid in ((4, 4), (16, 16)):
            near = np.zeros((3, 3, 4, 4))
            near[1, 1] = np.diag([1.0, 1 - gap, 0.3, 0.3])
            yield near, grid, "same"
    alternating = low_pass * (-1.0) ** np.add.outer(range(3), range(3))[..., None, None]
    yield alternating, (16, 16), "same"


def test_no_bound_is_below_the_norm_on_adversarial_kernels():
    for kernel, grid, padding in _adversarial_kernels():
        _check(kernel, grid, padding)


def test_no_bound_is_below_the_norm_on_some_random_kernels():
    for kernel, grid, padding in _random_kernels(8, seed=1, channels=4):
        _check(kernel, grid, padding)


def test_power_iteration_that_starts_orthogonal_to_the_top_vector_is_no_trap():
    """The estimate stays at the second singular value; the bound is that of the first."""
    layer = SpectralConv2D(2, 3, coeff=0.9)
    layer.build((None, 4, 4, 2))
    kernel = np.zeros((3, 3, 2, 2), np.float32)
    kernel[1, 1] = np.diag([3.0, 1.0])
    layer.kernel.assign(kernel)
    start = np.zeros(layer.u.shape, np.float32)
    start[..., 1] = 1 / 4  # the second channel alone, which the operator never leaves
    layer.u.assign(start)
    estimate = float(layer.sigma())
    assert estimate == pytest.approx(1.0, rel=1e-5)
    used = np.asarray(layer.normalized_kernel(), np.float64)
    truth = norm(convolution_matrix(used, (4, 4)))
    assert truth > 2.5
    assert truth <= conv_bound(used, (4, 4)).norm <= 1.01 * truth


@pytest.mark.slow
def test_no_bound_is_below_the_norm_on_200_random_kernels_of_up_to_64_channels():
    for kernel, grid, padding in _random_kernels(200, seed=28, channels=64):
        _check(kernel, grid, padding)


@pytest.mark.slow
def test_kernels_of_three_by_three_are_within_5_per_cent_on_large_grids_whatever_the_method():
    rng = np.random.default_rng(5)
    for channels in (1, 3, 8, 16):
        for grid in ((16, 16), (16, 20)):
            kernel = rng.normal(size=(3, 3, channels, channels))
            truth, found = _truth(kernel, grid), conv_bound(kernel, grid, budget_s=0)
            assert truth * (1 - 1e-12) <= found.norm <= 1.05 * truth, (channels, grid, found, truth)
            assert found.method != "operator"


@pytest.mark.slow
def test_no_bound_is_below_the_norm_of_50_trained_kernels():
    """On the grids that they were trained on, and on others."""
    keras.utils.set_random_seed(0)
    flow = ki.zoo.digits_flow(blocks=(9, 8), channels=8, seed=0)
    flow.compile(keras.optimizers.Adamax(0.02))
    flow.fit(digits.load_arrays()[0][:1024], batch_size=64, epochs=2, verbose=0)
    layers = [layer for block in blocks(flow) for layer in block.branch.spectral_layers]
    assert len(layers) >= 50
    for layer in layers:
        kernel = np.asarray(layer.normalized_kernel(), np.float64)
        for grid in (tuple(layer.input_spec.shape[1:3]), (5, 7), (16, 16)):
            _check(kernel, grid, "same")
        _check(kernel, (6, 5), "valid")
