import math

import numpy as np
import pytest
from oracles import convolution_matrix, norm

from keras_iresnet.ops.bounds import conv_bounds
from keras_iresnet.ops.bounds.conv_bounds import conv_bound

SHAPES = [
    # kernel, grid, channels in and out, strides, padding
    (3, (4, 4), (2, 3), 1, "same"),
    (3, (5, 8), (4, 2), 1, "same"),
    (5, (3, 2), (2, 2), 1, "same"),  # wider than the grid
    (2, (4, 3), (1, 3), 1, "same"),
    (4, (5, 5), (2, 1), 1, "same"),
    (3, (5, 6), (3, 2), 2, "same"),
    (4, (7, 6), (2, 2), 3, "same"),
    (3, (6, 5), (2, 2), 1, "valid"),
    (3, (7, 6), (2, 3), 2, "valid"),
    (1, (4, 4), (3, 5), 1, "same"),
    (1, (5, 4), (3, 5), 2, "same"),
]


def _kernels(side, channels):
    rng = np.random.default_rng(side)
    shape = (side, side, *channels)
    yield rng.normal(size=shape)
    yield np.abs(rng.normal(size=shape))  # low-pass: the border takes most from the norm
    yield rng.normal(size=(1, 1, *channels)) * (-1.0) ** np.add.outer(*[np.arange(side)] * 2)[..., None, None]


@pytest.mark.parametrize(("side", "grid", "channels", "strides", "padding"), SHAPES)
def test_small_convolution_has_the_norm_of_its_matrix(side, grid, channels, strides, padding):
    for kernel in _kernels(side, channels):
        exact = norm(convolution_matrix(kernel, grid, strides=strides, padding=padding))
        found = conv_bounds.operator_norm(kernel, grid, strides=strides, padding=padding)
        assert exact * (1 - 1e-14) <= found <= exact * (1 + 1e-10)


@pytest.mark.parametrize(("side", "grid", "channels", "strides", "padding"), SHAPES)
def test_symbol_bounds_the_norm_with_any_stride_and_padding(side, grid, channels, strides, padding):
    for kernel in _kernels(side, channels):
        exact = norm(convolution_matrix(kernel, grid, strides=strides, padding=padding))
        found = conv_bounds.symbol_norm(kernel, grid, padding=padding)
        assert found >= exact * (1 - 1e-12)
        if strides == 1 and side < min(grid):
            assert found <= 1.7 * exact


def test_symbol_is_close_on_a_grid_much_larger_than_the_kernel():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2, 2))
    exact = norm(convolution_matrix(kernel, (16, 16)))
    assert exact <= conv_bounds.symbol_norm(kernel, (16, 16)) <= 1.04 * exact


@pytest.mark.parametrize(("side", "grid", "channels", "strides", "padding"), SHAPES)
def test_gram_iteration_is_above_the_symbol_by_its_tolerance_at_most(side, grid, channels, strides, padding):
    del strides
    for kernel in _kernels(side, channels):
        symbol = conv_bounds.symbol_norm(kernel, grid, padding=padding)
        found = conv_bounds.gram_norm(kernel, grid, padding=padding)
        assert symbol * (1 - 1e-12) <= found <= symbol * (1 + 1e-6)


def _near_ties(side, channels):
    """A kernel whose two largest singular values differ in the seventh digit, on any grid: one tap, two channels."""
    kernel = np.zeros((side, side, channels, channels))
    kernel[0, 0] = np.diag([1.0, 1 - 1e-7, *[0.3] * (channels - 2)])
    return kernel


@pytest.mark.parametrize(("channels", "grid"), [(2, (4, 4)), (24, (4, 4)), (10, (8, 8))])
def test_nearly_equal_singular_values_are_no_trap(channels, grid):
    kernel = _near_ties(3, channels)
    exact = norm(convolution_matrix(kernel, grid))
    for found in (
        conv_bounds.operator_norm(kernel, grid),
        conv_bounds.symbol_norm(kernel, grid),
        conv_bounds.gram_norm(kernel, grid),
    ):
        assert exact <= found <= exact * (1 + 1e-5)


def test_an_operator_whose_gram_matrix_needs_a_proof_has_its_norm():
    """More than 256 rows: a guess and a factorisation take the place of all eigenvalues."""
    kernel = np.random.default_rng(2).normal(size=(3, 3, 5, 9)) + 0.3
    exact = norm(convolution_matrix(kernel, (9, 7)))
    assert exact <= conv_bounds.operator_norm(kernel, (9, 7)) <= exact * (1 + 1e-9)


def test_the_smallest_bound_is_taken_that_the_budget_allows():
    kernel = np.random.default_rng(1).normal(size=(3, 3, 2, 3))
    cost = conv_bounds.written_out_seconds(kernel.shape, (4, 4))
    assert conv_bound(kernel, (4, 4), budget_s=cost) == (conv_bounds.operator_norm(kernel, (4, 4)), "operator")
    assert conv_bound(kernel, (4, 4), budget_s=0.99 * cost) == (conv_bounds.symbol_norm(kernel, (4, 4)), "torus")
    wide = np.random.default_rng(1).normal(size=(2, 2, 300, 300)) * np.arange(1, 301) ** -2.0
    found = conv_bound(wide, (2, 2), budget_s=0)
    assert found.method == "gram"
    assert 1 <= found.norm / conv_bounds.symbol_norm(wide, (2, 2)) < 1 + 1e-6


def test_pointwise_convolution_has_the_norm_of_its_matrix():
    kernel = np.random.default_rng(1).normal(size=(1, 1, 64, 80))
    found = conv_bound(kernel, (1000, 1000), budget_s=0)
    assert found.norm == pytest.approx(norm(kernel[0, 0]), rel=1e-12)
    assert found.method == "matrix"


def test_a_kernel_that_is_not_finite_has_no_bound():
    kernel = np.zeros((3, 3, 1, 1))
    kernel[1, 1] = np.nan
    assert conv_bound(kernel, (4, 4)).norm == math.inf


def test_a_kernel_of_zeros_has_the_norm_0():
    kernel = np.zeros((3, 3, 2, 2))
    found = [f(kernel, (4, 4)) for f in (conv_bounds.operator_norm, conv_bounds.symbol_norm, conv_bounds.gram_norm)]
    assert found == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "bound", [conv_bound, conv_bounds.operator_norm, conv_bounds.symbol_norm, conv_bounds.gram_norm]
)
def test_what_is_no_kernel_is_refused(bound):
    with pytest.raises(ValueError, match=r"`kernel` must have the axes .*Received: shape=\(3, 3\)"):
        bound(np.zeros((3, 3)), (4, 4))


_rng = np.random.default_rng(28)
SWEEP = [
    (
        int(_rng.integers(1, 8)),
        (int(_rng.integers(4, 17)), int(_rng.integers(4, 17))),
        *_rng.integers(1, 13, 2),
        padding,
    )
    for padding in ("same", "valid")
    for _ in range(100)
]


@pytest.mark.slow
def test_no_bound_is_below_the_norm_on_200_random_kernels():
    for side, grid, inputs, outputs, padding in SWEEP:
        if padding == "valid" and side > min(grid):
            continue
        kernel = np.random.default_rng(side).normal(size=(side, side, inputs, outputs))
        exact = norm(convolution_matrix(kernel, grid, padding=padding))
        operator = conv_bounds.operator_norm(kernel, grid, padding=padding)
        symbol = conv_bounds.symbol_norm(kernel, grid, padding=padding)
        gram = conv_bounds.gram_norm(kernel, grid, padding=padding)
        assert exact * (1 - 1e-13) <= operator <= exact * 1.0001, (side, grid, inputs, outputs, padding)
        assert symbol >= exact * (1 - 1e-13)
        assert symbol * (1 - 1e-13) <= gram <= symbol * (1 + 1e-6)
        if side == 3 and min(grid) >= 16:
            assert symbol <= 1.05 * exact
