"""Maps with more channels after them than before: something of x beside something else of it."""

from collections.abc import Callable

import tensorflow as tf

from keras_iresnet.ops.maps.linearization import Linearization, Map, tiled


class TwoSided:
    """y = [phi(x), psi(x)] for each element, the second half of the channels behind the first.

    Args:
        values_and_slopes: x, *parameters -> phi(x), psi(x), phi'(x), psi'(x).
        *parameters: tensors that phi and psi depend on.
    """

    def __init__(self, values_and_slopes: Callable[..., tuple[tf.Tensor, ...]], *parameters: tf.Tensor) -> None:
        self.values_and_slopes, self.parameters = values_and_slopes, parameters

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, ..., channels)."""
        return tf.concat(self.values_and_slopes(x, *self.parameters)[:2], -1)

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x: two diagonal matrices, one above the other."""
        first, second, *slopes = self.values_and_slopes(x, *self.parameters)
        slopes = [tiled(slope, probes) for slope in slopes]

        def vjp(cotangent):
            halves = tf.split(cotangent, 2, -1)
            return halves[0] * slopes[0] + halves[1] * slopes[1]

        return Linearization(
            tf.concat([first, second], -1), lambda tangent: tf.concat([tangent * slope for slope in slopes], -1), vjp
        )


class Beside:
    """y = [a x, b m(x)], behind each other on the last axis.

    Args:
        m: a map that keeps all axes but the last.
        a: scalar tensor; so is the other.
        b: scalar tensor.
    """

    def __init__(self, m: Map, a: tf.Tensor, b: tf.Tensor) -> None:
        self.m, self.a, self.b = m, a, b

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, ..., channels)."""
        return tf.concat([self.a * x, self.b * self.m(x)], -1)

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x."""
        inner = self.m.linearize(x, probes)

        def vjp(cotangent):
            kept = x.shape[-1]
            mine, its = tf.split(cotangent, [kept, cotangent.shape[-1] - kept], -1)
            return self.a * mine + inner.vjp(self.b * its)

        return Linearization(
            tf.concat([self.a * x, self.b * inner.value], -1),
            lambda tangent: tf.concat([self.a * tangent, self.b * inner.jvp(tangent)], -1),
            vjp,
        )
