"""Differentiable maps with their derivative: what a residual branch is made of once its weights are fixed.

A map `m` is called for its value and linearised for its derivative at a point:

    y = m(x)
    value, jvp, vjp = m.linearize(x, probes)

`jvp` and `vjp` multiply by J = dm/dx and by J^T. They serve `probes` tangents an example at once: for x of shape
(batch, *event) they take and return (probes * batch, *event), all examples of the first probe first. Everything is
built of differentiable TensorFlow operations: gradients flow through `jvp` and `vjp` to x and to the weights.

The number of operations counts: small models are bound by it, and users wait for every operation to be traced.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from keras_iresnet.ops.replicas import draw_rows
from keras_iresnet.ops.uniform import uniform


class Linearization(NamedTuple):
    """A map's value at a point and the products with its Jacobian there."""

    value: tf.Tensor
    jvp: Callable
    vjp: Callable


class Dense:
    """y = x W + b over the last axis, for W of shape (inputs, outputs) and x of shape (batch, inputs)."""

    def __init__(self, kernel, bias=None):
        self.kernel, self.bias = kernel, bias

    def apply(self, x):
        """Multiply (batch, inputs) by W."""
        return tf.matmul(x, self.kernel)

    def adjoint(self, y):
        """Multiply (batch, outputs) by W^T."""
        return tf.matmul(y, self.kernel, transpose_b=True)

    def __call__(self, x):
        """The value at x (batch, *event)."""
        y = self.apply(x)
        return y if self.bias is None else tf.nn.bias_add(y, self.bias)

    def linearize(self, x, probes=1):
        """Value and derivative at x."""
        del probes  # the derivative is the same everywhere
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
        height, width, inputs, outputs = kernel.shape
        plain = strides == 1 and padding == "SAME" and height % 2 == width % 2 == 1
        self._pointwise = plain and height == width == 1
        # On a CPU a convolution to fewer channels, its gradients above all, costs several times one to more channels.
        # Where the transposed operator is a convolution of the same kind (odd kernel turned by 180 degrees, zero
        # padding, no strides), the narrowing one is therefore taken as the transpose of a widening one.
        self._narrowing = plain and not self._pointwise and outputs < inputs
        if self._narrowing:
            self._turned = tf.transpose(tf.reverse(kernel, (0, 1)), (0, 1, 3, 2))

    def apply(self, x):
        """Convolve (batch, *grid) without the bias."""
        if self._pointwise:
            return self._multiply(x, self.kernel)
        if self._narrowing:
            return self._transposed(x, self._turned, (*self.grid[:2], self.kernel.shape[3]))
        return tf.nn.conv2d(x, self.kernel, self.strides, self.padding)

    def adjoint(self, y):
        """Multiply (batch, *output grid) by the transposed operator."""
        if self._pointwise:
            return self._multiply(y, self.kernel, transpose_b=True)
        if self._narrowing:
            return tf.nn.conv2d(y, self._turned, 1, "SAME")
        return self._transposed(y, self.kernel, self.grid)

    def _transposed(self, y, kernel, event):
        batch = y.shape[0] or tf.shape(y)[0]
        return tf.nn.conv2d_transpose(y, kernel, (batch, *event), self.strides, self.padding)

    @staticmethod
    def _multiply(x, kernel, transpose_b=False):
        rows = tf.matmul(tf.reshape(x, (-1, x.shape[-1])), kernel[0, 0], transpose_b=transpose_b)
        return tf.reshape(rows, (-1, *x.shape[1:-1], rows.shape[-1]))

    def __call__(self, x):
        """The value at x (batch, *event)."""
        y = self.apply(x)
        return y if self.bias is None else tf.nn.bias_add(y, self.bias)

    def linearize(self, x, probes=1):
        """Value and derivative at x."""
        del probes  # the derivative is the same everywhere
        return Linearization(self(x), self.apply, self.adjoint)


class Elementwise:
    """y = phi(x) for each element.

    Args:
        value_and_slope: x, *parameters -> phi(x), phi'(x).
        *parameters: tensors that phi depends on.
    """

    def __init__(self, value_and_slope, *parameters):
        self.value_and_slope, self.parameters = value_and_slope, parameters

    def __call__(self, x):
        """The value at x (batch, *event)."""
        return self.value_and_slope(x, *self.parameters)[0]

    def linearize(self, x, probes=1):
        """Value and derivative at x: the Jacobian is diagonal, so its own transpose."""
        y, slope = self.value_and_slope(x, *self.parameters)
        slopes = _tile(slope, probes)
        return Linearization(y, lambda tangent: tangent * slopes, lambda tangent: tangent * slopes)


class MaxMin:
    """Sorts the pairs (x_2i, x_2i+1) of the last axis downwards (Anil et al., ICML 2019, GroupSort of 2)."""

    def __call__(self, x):
        """The value at x (batch, *event)."""
        first, second = self._pairs(x)
        return self._join(tf.maximum(first, second), tf.minimum(first, second))

    def linearize(self, x, probes=1):
        """Value and derivative at x: a permutation that swaps some pairs, so its own transpose."""
        first, second = self._pairs(_tile(x, probes))
        keep = first >= second

        def multiply(tangent):
            first, second = self._pairs(tangent)
            return self._join(tf.where(keep, first, second), tf.where(keep, second, first))

        return Linearization(self(x), multiply, multiply)

    @staticmethod
    def _pairs(x):
        pairs = tf.reshape(x, (-1, *x.shape[1:-1], x.shape[-1] // 2, 2))
        return tf.unstack(pairs, axis=-1)

    @staticmethod
    def _join(first, second):
        return tf.reshape(tf.stack((first, second), -1), (-1, *first.shape[1:-1], 2 * first.shape[-1]))


class Mask:
    """Sets a random share of the elements to 0: y = m x for m of zeros and ones, the same at every call.

    What is kept is not scaled up, as it is in the usual form of dropout: the Lipschitz constant stays 1.

    Args:
        rate: probability of a zero.
        seed: (2,) int32 tensor that m is drawn from.
    """

    def __init__(self, rate, seed):
        self.rate, self.seed = rate, seed

    def _mask(self, x):
        drawn = draw_rows(lambda shape: uniform(shape, self.seed), tf.shape(x))
        return tf.cast(drawn >= self.rate, x.dtype)

    def __call__(self, x):
        """The value at x (batch, *event)."""
        return x * self._mask(x)

    def linearize(self, x, probes=1):
        """Value and derivative at x: the Jacobian is diagonal, so its own transpose."""
        mask = self._mask(x)
        tiled = _tile(mask, probes)
        return Linearization(x * mask, lambda tangent: tangent * tiled, lambda tangent: tangent * tiled)


class Scale:
    """y = c x for a number c."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        """The value at x (batch, *event)."""
        return self.factor * x

    def linearize(self, x, probes=1):
        """Value and derivative at x."""
        del probes
        return Linearization(self(x), self, self)


class Shift:
    """y = x + b for an offset b of each example, in a shape that broadcasts to that of x."""

    def __init__(self, offset):
        self.offset = offset

    def __call__(self, x):
        """The value at x (batch, *event)."""
        return x + self.offset

    def linearize(self, x, probes=1):
        """Value and derivative at x: the identity."""
        del probes
        return Linearization(self(x), tf.identity, tf.identity)


class Cast:
    """Changes the floating-point type, tangents included."""

    def __init__(self, dtype):
        self.dtype = tf.as_dtype(dtype)

    def __call__(self, x):
        """The value at x (batch, *event)."""
        return tf.cast(x, self.dtype)

    def linearize(self, x, probes=1):
        """Value and derivative at x: `vjp` goes back to the type of x."""
        del probes
        return Linearization(self(x), self, Cast(x.dtype))


class Composition:
    """The maps of a list, applied from first to last."""

    def __init__(self, maps):
        self.maps = tuple(maps)

    def __call__(self, x):
        """The value at x (batch, *event)."""
        for one in self.maps:
            x = one(x)
        return x

    def linearize(self, x, probes=1):
        """Value and derivative at x, by the chain rule."""
        parts = []
        for one in self.maps:
            parts.append(one.linearize(x, probes))
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
        """The value at x (batch, *event)."""
        return self.function(x)

    def linearize(self, x, probes=1):
        """Value and derivative at x; each probe is a product of its own, so keep them few."""
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = self.function(x)

        def transposed(u):
            return tape.gradient(y, x, u, unconnected_gradients="zero")

        def vjp(cotangents):
            return tf.concat([transposed(u) for u in tf.split(cotangents, probes)], 0)

        def jvp(tangents):
            with tf.GradientTape(persistent=True) as outer:
                anchor = tf.zeros_like(y)
                outer.watch(anchor)
                pulled = transposed(anchor)
            parts = tf.split(tangents, probes)
            return tf.concat([outer.gradient(pulled, anchor, v, unconnected_gradients="zero") for v in parts], 0)

        return Linearization(y, jvp, vjp)


def _tile(x, probes):
    return x if probes == 1 else tf.concat([x] * probes, 0)  # several times faster than `tf.tile` on a CPU
