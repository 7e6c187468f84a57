"""What the tests compare with: dense linear algebra in float64 that shares no code with the package."""

import itertools

import numpy as np
import tensorflow as tf


def jacobian(function, x):
    """Jacobians (batch, D out, D in) of `function` at x (batch, *event), row by row, by autodiff of its values alone.

    The examples of a batch must not depend on each other. Differentiable in turn.
    """
    x = tf.convert_to_tensor(x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = function(x)
        outputs = [tf.reduce_sum(part) for part in tf.unstack(tf.reshape(y, (x.shape[0], -1)), axis=1)]
    rows = [tape.gradient(output, x, unconnected_gradients="zero") for output in outputs]
    return tf.stack([tf.reshape(row, (x.shape[0], -1)) for row in rows], 1)


def log_abs_det(matrices):
    """log|det A| of matrices (batch, D, D); for tall ones the volume factor 1/2 log det(A^T A) of an injection."""
    matrices = np.asarray(matrices, np.float64)
    if matrices.shape[-2] == matrices.shape[-1]:
        return np.linalg.slogdet(matrices).logabsdet
    return 0.5 * np.linalg.slogdet(np.swapaxes(matrices, -1, -2) @ matrices).logabsdet


def truncated_series(jacobians, num_terms):
    """sum_(k<=n) (-1)^(k+1) tr(J^k) / k of the dense J (batch, D, D), as a differentiable tensor (batch,)."""
    power, total = jacobians, tf.linalg.trace(jacobians)
    for k in range(2, num_terms + 1):
        power = power @ jacobians
        total += (-1) ** (k + 1) / k * tf.linalg.trace(power)
    return total


def convolution_matrix(kernel, grid, *, strides=1, padding="same"):
    """The matrix (outputs, inputs) of a convolution on `grid` = (height, width), tap by tap.

    Zero padding as TensorFlow documents it: ceil(side / stride) outputs, the larger half of an odd padding last.
    """
    kernel = np.asarray(kernel, np.float64)
    inputs, outputs = kernel.shape[2:]
    rows, top = _outputs_and_padding(grid[0], kernel.shape[0], strides, padding)
    columns, left = _outputs_and_padding(grid[1], kernel.shape[1], strides, padding)
    matrix = np.zeros((rows, columns, outputs, *grid, inputs))
    taps = itertools.product(range(rows), range(columns), range(kernel.shape[0]), range(kernel.shape[1]))
    for row, column, i, j in taps:
        y, x = row * strides + i - top, column * strides + j - left
        if 0 <= y < grid[0] and 0 <= x < grid[1]:
            matrix[row, column, :, y, x, :] += kernel[i, j].T
    return matrix.reshape(rows * columns * outputs, grid[0] * grid[1] * inputs)


def _outputs_and_padding(side, size, strides, padding):
    if padding == "valid":
        return (side - size) // strides + 1, 0
    count = -(-side // strides)
    return count, max((count - 1) * strides + size - side, 0) // 2


def norm(matrix):
    """The largest singular value."""
    return np.linalg.svd(np.asarray(matrix, np.float64), compute_uv=False)[0]


def difference_gradient(function, value, *, step=1e-5):
    """Gradient of a scalar function at an array, by central differences, entry by entry."""
    value = np.array(value, np.float64)
    gradient = np.zeros_like(value)
    for index in np.ndindex(value.shape):
        shift = np.zeros_like(value)
        shift[index] = step
        gradient[index] = (float(function(value + shift)) - float(function(value - shift))) / (2 * step)
    return gradient


def assert_mean(samples, expected, *, errors=4.0):
    """The mean of independent samples (n, ...) lies within `errors` standard errors of what is expected, everywhere.

    Entries that never vary must be met to rounding.
    """
    samples = np.asarray(samples, np.float64)
    expected = np.asarray(expected, np.float64)
    standard_error = samples.std(0, ddof=1) / np.sqrt(len(samples))
    rounding = 1e-9 * (1 + np.abs(expected))
    deviation = np.abs(samples.mean(0) - expected)
    worst = np.max(deviation / (standard_error + rounding))
    assert np.all(deviation <= errors * standard_error + rounding), f"{worst:.1f} standard errors off"


def leave_identity(layer, *, seed=0):
    """Move a built layer far from the identity, where its log-det is far from 0.

    Kernels become partial identities with noise, so large that every layer sits at its bound: their product then
    stays near a multiple of the identity, where one of random kernels would be small. Biases go where activations
    are steep; shifts, scales and the like anywhere.
    """
    rng = np.random.default_rng(seed)
    for variable in layer.trainable_variables:
        noise = rng.normal(size=variable.shape)
        if variable.name == "kernel":
            centre = np.zeros(variable.shape)
            middle = tuple((side - 1) // 2 for side in variable.shape[:-2])
            centre[middle] = np.eye(*variable.shape[-2:])
            variable.assign(3 * (centre + 0.3 * noise / np.sqrt(np.prod(variable.shape[:-1]))))
        elif variable.name == "bias":
            variable.assign(1 + 0.3 * noise)
        elif variable.name != "beta":
            variable.assign(variable.numpy() + 0.4 * noise)
    for part in layer._flatten_layers():
        if getattr(part, "iterates", False):
            settle_vector(part)
    return layer


def operator_matrix(layer, kernel):
    """The matrix (outputs, inputs) of a spectral layer with the given kernel."""
    kernel = np.asarray(kernel, np.float64)
    if kernel.ndim == 2:
        return kernel.T
    return convolution_matrix(kernel, layer.input_spec.shape[1:3], strides=layer.strides, padding=layer.padding)


def operator_norm(layer, kernel):
    """The norm of a spectral layer's operator with the given kernel."""
    return norm(operator_matrix(layer, kernel))


def settle_vector(layer):
    """Put a spectral layer's vector where its power iteration would end, by a dense SVD."""
    kernel = layer.kernel.numpy()
    # A 1x1 convolution keeps the vector of its matrix, which is the same at every pixel.
    matrix = kernel[0, 0].T if kernel.shape[:-2] == (1, 1) else operator_matrix(layer, kernel)
    left = np.linalg.svd(matrix, full_matrices=False)[0]
    layer.u.assign(left[:, 0].reshape(layer.u.shape))
