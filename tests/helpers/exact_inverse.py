"""Inverses of layers in float64, in NumPy alone: weights are read from the layers, all else is written out here."""

import numpy as np

from keras_iresnet import layers

MOST_STEPS = 20_000


def exact_inverse(layer, y):
    """The x (batch, *event) with F(x) = y, for the weights of a layer and the kernels that evaluation uses."""
    y = np.asarray(y, np.float64)
    if isinstance(layer, layers.Chain):
        for inner in reversed(layer.layers):
            y = exact_inverse(inner, y)
        return y
    if isinstance(layer, layers.FactorOut):
        channels = layer.input_spec.shape[-1]
        sides = layer.input_spec.shape[1:-1]
        size = int(np.prod(sides)) * (channels // 2)
        leaving, inner = y[:, :size], y[:, size:]
        event = layer.layer.compute_output_shape((None, *sides, channels - channels // 2))[1:]
        staying = exact_inverse(layer.layer, inner.reshape(-1, *event))
        return np.concatenate([leaving.reshape(-1, *sides, channels // 2), staying], -1)
    if isinstance(layer, layers.Inverse):
        return exact_forward(layer.layer, y)
    if isinstance(layer, layers.MonotoneBlock):
        g = branch(layer.branch)
        return solve(lambda w: -g(w), 2 * y) - y
    if isinstance(layer, layers.InvertibleResidualBlock):
        return solve(branch(layer.branch), y)
    return _CLOSED_FORMS[type(layer)](layer, y)


def exact_forward(layer, x):
    """F(x) of a chain of residual blocks, and of inverses."""
    if isinstance(layer, layers.Chain):
        for inner in layer.layers:
            x = exact_forward(inner, x)
        return x
    if isinstance(layer, layers.Inverse):
        return exact_inverse(layer.layer, x)
    assert type(layer) is layers.InvertibleResidualBlock
    return x + branch(layer.branch)(x)


def solve(g, y):
    """x + g(x) = y, by steps until no example moves by more than some roundings."""
    x, axes = y, tuple(range(1, y.ndim))
    for _ in range(MOST_STEPS):
        before, x = x, y - g(x)
        moved = np.sqrt(np.square(x - before).sum(axes))
        if np.all(moved <= 4e-15 * (1 + np.sqrt(np.square(x).sum(axes)))):
            return x
    raise AssertionError(f"no solution after {MOST_STEPS} steps: the last moved by {moved.max()}")


def branch(layer):
    """g as a function of arrays."""
    functions = [_function(part) for part in (layer.parts if isinstance(layer, layers.Branch) else layer.layers)]

    def g(x):
        for function in functions:
            x = function(x)
        return x

    return g


def _function(part):
    if isinstance(part, layers.LipschitzActivation):
        return _ACTIVATIONS[part.activation]
    if isinstance(part, layers.SpectralConv2D):
        kernel, bias = _array(part.normalized_kernel()), _array(part.bias)
        return lambda x: _convolution(x, kernel) + bias
    kernel = _array(part.normalized_kernel() if isinstance(part, layers.SpectralDense) else part.kernel)
    bias = _array(part.bias)
    after = getattr(part, "activation", None)
    after = (lambda x: x) if after is None or after.__name__ == "linear" else _ACTIVATIONS[after.__name__]
    return lambda x: after(x @ kernel + bias)


def _convolution(x, kernel):
    """Zero-padded, of odd sides, without strides: tap by tap."""
    height, width = x.shape[1:3]
    rows, columns = kernel.shape[0] // 2, kernel.shape[1] // 2
    padded = np.pad(x, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
    return sum(
        padded[:, i : i + height, j : j + width] @ kernel[i, j]
        for i in range(kernel.shape[0])
        for j in range(kernel.shape[1])
    )


def _logit(layer, y):
    return (1 / (1 + np.exp(-y)) - layer.alpha) / (1 - 2 * layer.alpha)


def _act_norm(layer, y):
    return y / np.exp(_array(layer.log_scale)) - _array(layer.unit) * _array(layer.shift)


def _column_ranges(layer, y):
    x = y.copy()
    for index in layer.positive:
        x[:, index] = np.exp(y[:, index])
    for index, low, high in layer.bounds:
        x[:, index] = low + (high - low) / (1 + np.exp(-y[:, index]))
    return x


def _squeeze(layer, y):
    """Each pixel back to a patch: channels are (row, column, channel)."""
    f = layer.factor
    batch, height, width, channels = y.shape
    patches = y.reshape(batch, height, width, f, f, channels // f**2).transpose(0, 1, 3, 2, 4, 5)
    return patches.reshape(batch, f * height, f * width, channels // f**2)


def _array(weight):
    return np.asarray(weight, np.float64)


_ACTIVATIONS = {
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
}
_CLOSED_FORMS = {
    layers.ActNorm: _act_norm,
    layers.ColumnRanges: _column_ranges,
    layers.Center: lambda layer, y: y + layer.offset,
    layers.Flatten: lambda layer, y: y.reshape(-1, *layer.input_spec.shape[1:]),
    layers.InjectivePad: lambda layer, y: y[..., : -layer.channels],
    layers.Logit: _logit,
    layers.Squeeze: _squeeze,
}


def assert_close_and_below(x, report, exact, *, rounding=0.0, share=0.99):
    """All true errors are below the bounds, and nearly all estimates within 10 times of them; returns true errors.

    `rounding` is of the kernels, relative, where they are not to the bit what a layer says that they are.
    """
    axes = tuple(range(1, exact.ndim))
    true = np.sqrt(np.square(exact - np.asarray(x, np.float64)).sum(axes))
    bound, estimate = (np.asarray(values, np.float64) for values in (report.error_bound, report.error_estimate))
    size = np.sqrt(np.square(exact).sum(axes))
    assert true.max() > 0
    assert np.all(np.isfinite(bound))
    above = true - bound - rounding * size
    assert np.all(above <= 0), f"{np.sum(above > 0)} of {len(true)} errors are above, the worst by {above.max()}"
    floor = np.finfo(np.float32).eps * size
    larger, smaller = np.maximum(true, floor), np.maximum(estimate, floor)
    close = (smaller <= 10 * larger) & (larger <= 10 * smaller)
    assert close.mean() >= share, f"{np.sum(~close)} of {len(true)} estimates are not close"
    return true
