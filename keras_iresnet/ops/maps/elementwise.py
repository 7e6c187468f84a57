"""Maps whose Jacobian is diagonal, or permutes pairs: it is its own transpose."""

from collections.abc import Callable

import tensorflow as tf

from keras_iresnet.ops.maps.linearization import Linearization, tiled
from keras_iresnet.ops.replicas import draw_rows
from keras_iresnet.ops.uniform import uniform


class Elementwise:
    """y = phi(x) for each element.

    Args:
        value_and_slope: x, *parameters -> phi(x), phi'(x).
        *parameters: tensors that phi depends on.
    """

    def __init__(self, value_and_slope: Callable[..., tuple[tf.Tensor, tf.Tensor]], *parameters: tf.Tensor) -> None:
        self.value_and_slope, self.parameters = value_and_slope, parameters

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, *event)."""
        return self.value_and_slope(x, *self.parameters)[0]

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x: the Jacobian is diagonal, so its own transpose."""
        y, slope = self.value_and_slope(x, *self.parameters)
        slopes = tiled(slope, probes)
        return Linearization(y, lambda tangent: tangent * slopes, lambda tangent: tangent * slopes)


class MaxMin:
    """Sorts the pairs (x_2i, x_2i+1) of the last axis downwards (Anil et al., ICML 2019, GroupSort of 2)."""

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, *event)."""
        first, second = self._pairs(x)
        return self._join(tf.maximum(first, second), tf.minimum(first, second))

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x: a permutation that swaps some pairs, so its own transpose."""
        first, second = self._pairs(tiled(x, probes))
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

    def __init__(self, rate: float, seed: tf.Tensor) -> None:
        self.rate, self.seed = rate, seed

    def _mask(self, x):
        drawn = draw_rows(lambda shape: uniform(shape, self.seed), tf.shape(x))
        return tf.cast(drawn >= self.rate, x.dtype)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, *event)."""
        return x * self._mask(x)

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x: the Jacobian is diagonal, so its own transpose."""
        mask = self._mask(x)
        masks = tiled(mask, probes)
        return Linearization(x * mask, lambda tangent: tangent * masks, lambda tangent: tangent * masks)


class Scale:
    """y = c x for a number c."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, *event)."""
        return self.factor * x

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x."""
        del probes
        return Linearization(self(x), self, self)


class Shift:
    """y = x + b for an offset b of each example, in a shape that broadcasts to that of x."""

    def __init__(self, offset: tf.Tensor) -> None:
        self.offset = offset

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, *event)."""
        return x + self.offset

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x: the identity."""
        del probes
        return Linearization(self(x), tf.identity, tf.identity)
