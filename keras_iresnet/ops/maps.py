"""Differentiable maps with their derivative: what a residual branch is made of once its weights are fixed.

A map `m` is called for its value and linearised for its derivative at a point:

    y = m(x)
    value, jvp, vjp = m.linearize(x)

`jvp` and `vjp` multiply by J = dm/dx and by J^T. Tangents carry a leading axis of probes: for x of shape
(batch, *event) they take and return (probes, batch, *event), so that one pass serves any number of vectors.
Everything is built of differentiable TensorFlow operations: gradients flow through `jvp` and `vjp` to x and to
the weights.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class Linearization(NamedTuple):
    """A map's value at a point and the products with its Jacobian there."""

    value: tf.Tensor
    jvp: Callable
    vjp: Callable


class Dense:
    """y = x W + b over the last axis, for W of shape (inputs, outputs)."""

    def __init__(self, kernel, bias=None):
        self.kernel, self.bias = kernel, bias

    def apply(self, x):
        """Multiply (..., inputs) by W."""
        return _matmul(x, self.kernel)

    def adjoint(self, y):
        """Multiply (..., outputs) by W^T."""
        return _matmul(y, self.kernel, transpose=True)

    def __call__(self, x):
        y = self.apply(x)
        return y if self.bias is None else y + self.bias

    def linearize(self, x):
        """Value and derivative at x."""
        return Linearization(self(x), self.apply, self.adjoint)


class Conv2D:
    """Two-dimensional convolution (as `tf.nn.conv2d`) on a grid of fixed size.

    The grid belongs to the operator: with zero padding or strides, another grid means another matrix and another
    norm.

    Args:
        kernel: (height, width, channels in, channels out).
        bias: (channels out,) or `None`.
        grid: (height, width, channels in) of the input.
        strides: one integer for both axes.
        padding: `"SAME"` or `"VALID"`.
    """

    def __init__(self, kernel, bias=None, *, grid, strides=1, padding="SAME"):
        self.kernel, self.bias, self.grid = kernel, bias, tuple(grid)
        self.strides, self.padding = strides, padding

    def apply(self, x):
        """Convolve (..., *grid) without the bias."""
        flat = tf.reshape(x, (-1, *self.grid)) if x.shape.rank != 4 else x
        y = tf.nn.conv2d(flat, self.kernel, self.strides, self.padding)
        return y if x.shape.rank == 4 else _unflatten(y, x)

    def adjoint(self, y):
        """Multiply (..., *output grid) by the transposed operator."""
        flat = tf.reshape(y, (-1, *y.shape[-3:])) if y.shape.rank != 4 else y
        shape = (tf.shape(flat)[0], *self.grid)
        x = tf.nn.conv2d_transpose(flat, self.kernel, shape, self.strides, self.padding)
        x = tf.ensure_shape(x, (flat.shape[0], *self.grid))
        return x if y.shape.rank == 4 else _unflatten(x, y)

    def __call__(self, x):
        y = self.apply(x)
        return y if self.bias is None else y + self.bias

    def linearize(self, x):
        """Value and derivative at x."""
        return Linearization(self(x), self.apply, self.adjoint)


class Elementwise:
    """y = phi(x), with phi'(x) given as a function of x and of y = phi(x)."""

    def __init__(self, function, derivative):
        self.function, self.derivative = function, derivative

    def __call__(self, x):
        return self.function(x)

    def linearize(self, x):
        """Value and derivative at x: the Jacobian is diagonal, so its own transpose."""
        y = self.function(x)
        slope = self.derivative(x, y)

        def multiply(tangent):
            return tangent * slope

        return Linearization(y, multiply, multiply)


class MaxMin:
    """Sorts the pairs (x_2i, x_2i+1) of the last axis downwards (Anil et al., ICML 2019, GroupSort of 2)."""

    def __call__(self, x):
        return self.linearize(x).value

    def linearize(self, x):
        """Value and derivative at x: a permutation that swaps some pairs, so its own transpose."""
        first, second = _pairs(x)
        keep = first >= second

        def multiply(tangent):
            first, second = _pairs(tangent)
            sorted_pairs = (tf.where(keep, first, second), tf.where(keep, second, first))
            return tf.reshape(tf.stack(sorted_pairs, -1), tf.shape(tangent))

        return Linearization(tf.ensure_shape(multiply(x), x.shape), multiply, multiply)


class Cast:
    """Changes the floating-point type, tangents included."""

    def __init__(self, dtype):
        self.dtype = tf.as_dtype(dtype)

    def __call__(self, x):
        return tf.cast(x, self.dtype)

    def linearize(self, x):
        """Value and derivative at x: `vjp` goes back to the type of x."""
        return Linearization(self(x), self, Cast(x.dtype))


class Composition:
    """The maps of a list, applied from first to last."""

    def __init__(self, maps):
        self.maps = tuple(maps)

    def __call__(self, x):
        for one in self.maps:
            x = one(x)
        return x

    def linearize(self, x):
        """Value and derivative at x, by the chain rule."""
        parts = []
        for one in self.maps:
            parts.append(one.linearize(x))
            x = parts[-1].value

        def jvp(tangent):
            for part in parts:
                tangent = part.jvp(tangent)
            return tangent

        def vjp(cotangent):
            for part in reversed(parts):
                cotangent = part.vjp(cotangent)
            return cotangent

        return Linearization(x, jvp, vjp)


class Taped:
    """Any differentiable function, linearised by `tf.GradientTape`.

    J^T u is a gradient of the recorded value. J v is the gradient of <J^T u, v> with respect to u, on which it does
    not depend (the double-backward identity), so the function runs once: what is random or stateful in it is the
    same for the value and for every product.
    """

    def __init__(self, function):
        self.function = function

    def __call__(self, x):
        return self.function(x)

    def linearize(self, x):
        """Value and derivative at x; each probe is a product of its own, so keep them few."""
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = self.function(x)

        def transposed(u):
            return tape.gradient(y, x, u, unconnected_gradients="zero")

        def vjp(cotangents):
            return tf.stack([transposed(u) for u in tf.unstack(cotangents)])

        def jvp(tangents):
            with tf.GradientTape(persistent=True) as outer:
                anchor = tf.zeros_like(y)
                outer.watch(anchor)
                pulled = transposed(anchor)
            products = [outer.gradient(pulled, anchor, v, unconnected_gradients="zero") for v in tf.unstack(tangents)]
            return tf.stack(products)

        return Linearization(y, jvp, vjp)


def _matmul(x, kernel, transpose=False):
    if x.shape.rank == 2:
        return tf.matmul(x, kernel, transpose_b=transpose)
    flat = tf.reshape(x, (-1, x.shape[-1]))
    y = tf.matmul(flat, kernel, transpose_b=transpose)
    return tf.reshape(y, tf.concat([tf.shape(x)[:-1], tf.shape(y)[-1:]], 0))


def _unflatten(flat, like):
    """Give (prod(leading), *grid) the leading axes of `like` back."""
    leading = tf.shape(like)[: like.shape.rank - 3]
    shaped = tf.reshape(flat, tf.concat([leading, tf.shape(flat)[1:]], 0))
    return tf.ensure_shape(shaped, (*like.shape[:-3], *flat.shape[1:]))


def _pairs(x):
    pairs = tf.reshape(x, tf.concat([tf.shape(x)[:-1], [x.shape[-1] // 2, 2]], 0))
    return pairs[..., 0], pairs[..., 1]
