"""Maps that mix the channels of small groups by orthogonal matrices, chosen by x: norms stay as they are."""

import tensorflow as tf

from keras_iresnet.ops.maps.linearization import Linearization, tiled


class GroupSort:
    """Sorts groups of channels, neighbours on the last axis, downwards (Anil et al., ICML 2019).

    Args:
        size: of a group, a divisor of the number of channels. `MaxMin` is the case of 2, in fewer operations.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def _groups(self, x):
        return tf.reshape(x, (-1, x.shape[-1] // self.size, self.size))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, ..., channels)."""
        return tf.reshape(tf.sort(self._groups(x), direction="DESCENDING"), (-1, *x.shape[1:]))

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x: a permutation, whose transpose is its inverse."""
        order = tf.argsort(self._groups(x), direction="DESCENDING", stable=True)
        there, back = (tiled(one, probes) for one in (order, tf.argsort(order)))

        def permuted(tangent, by):
            groups = tf.gather(self._groups(tangent), by, batch_dims=2)
            return tf.reshape(groups, (-1, *tangent.shape[1:]))

        return Linearization(self(x), lambda tangent: permuted(tangent, there), lambda tangent: permuted(tangent, back))


class Householder:
    """Reflects each pair of channels that lies behind a line into what is in front (Singla et al., ICLR 2022).

        y = z where v^T z > 0, else (I - 2 v v^T) z,        v = (sin(theta / 2), -cos(theta / 2))

    which is continuous, since both agree on the line. At theta = pi / 2 it is `MaxMin`.

    Args:
        theta: (channels / 2,), an angle for each pair of neighbours on the last axis.
    """

    def __init__(self, theta: tf.Tensor) -> None:
        self.theta = theta

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, ..., channels)."""
        return self._reflected(x, self._behind(x))

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x: a reflection in some pairs, so its own transpose."""
        behind = self._behind(x)
        everywhere = tiled(behind, probes)

        def multiply(tangent):
            return self._reflected(tangent, everywhere)

        return Linearization(self._reflected(x, behind), multiply, multiply)

    def _behind(self, x):
        return tf.cast(self._along(x) <= 0, x.dtype)

    def _along(self, x):
        """v^T z of each pair."""
        first, second = tf.unstack(tf.reshape(x, (-1, *x.shape[1:-1], x.shape[-1] // 2, 2)), axis=-1)
        return first * tf.sin(self.theta / 2) - second * tf.cos(self.theta / 2)

    def _reflected(self, x, behind):
        twice = 2 * behind * self._along(x)
        away = tf.stack((twice * tf.sin(self.theta / 2), -twice * tf.cos(self.theta / 2)), -1)
        return x - tf.reshape(away, (-1, *x.shape[1:]))
