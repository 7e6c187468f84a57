"""Matrices and convolutions: maps whose derivative is the same everywhere."""

from collections.abc import Sequence

import tensorflow as tf

from keras_iresnet.ops.maps.linearization import Linearization


class Dense:
    """y = x W + b over the last axis, for W of shape (inputs, outputs) and x of shape (batch, inputs)."""

    def __init__(self, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> None:
        self.kernel, self.bias = kernel, bias

    def apply(self, x: tf.Tensor) -> tf.Tensor:
        """Multiply (batch, inputs) by W."""
        return tf.matmul(x, self.kernel)

    def adjoint(self, y: tf.Tensor) -> tf.Tensor:
        """Multiply (batch, outputs) by W^T."""
        return tf.matmul(y, self.kernel, transpose_b=True)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, *event)."""
        y = self.apply(x)
        return y if self.bias is None else tf.nn.bias_add(y, self.bias)

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
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

    def __init__(
        self,
        kernel: tf.Tensor,
        bias: tf.Tensor | None = None,
        *,
        grid: Sequence[int],
        strides: int = 1,
        padding: str = "SAME",
    ) -> None:
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

    @property
    def _outputs(self):
        """(height, width, channels out) of the output."""
        taps = self.kernel.shape[:2] if self.padding == "VALID" else (1, 1)
        sides = [-(-(side - tap + 1) // self.strides) for side, tap in zip(self.grid[:2], taps, strict=True)]
        return (*sides, self.kernel.shape[3])

    def apply(self, x: tf.Tensor) -> tf.Tensor:
        """Convolve (batch, *grid) without the bias."""
        if x.shape[0] == 0:  # TensorFlow gives no images the shape of the input
            return tf.zeros((0, *self._outputs), x.dtype)
        if self._pointwise:
            return self._multiply(x, self.kernel)
        if self._narrowing:
            return self._transposed(x, self._turned, (*self.grid[:2], self.kernel.shape[3]))
        return tf.nn.conv2d(x, self.kernel, self.strides, self.padding)

    def adjoint(self, y: tf.Tensor) -> tf.Tensor:
        """Multiply (batch, *output grid) by the transposed operator."""
        if y.shape[0] == 0:
            return tf.zeros((0, *self.grid), y.dtype)
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

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, *event)."""
        # Behind a convolution, 1x1 ones too, TensorFlow adds bias and activation in the same pass over the memory.
        fused = self._pointwise and self.bias is not None and x.shape[0] != 0
        y = tf.nn.conv2d(x, self.kernel, 1, "SAME") if fused else self.apply(x)
        return y if self.bias is None else tf.nn.bias_add(y, self.bias)

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x."""
        del probes  # the derivative is the same everywhere
        return Linearization(self(x), self.apply, self.adjoint)
