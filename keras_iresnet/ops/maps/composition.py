"""Maps one after the other, and the change of precision between them."""

from collections.abc import Iterable

import tensorflow as tf

from keras_iresnet.ops.maps.linearization import Linearization, Map


class Cast:
    """Changes the floating-point type, tangents included."""

    def __init__(self, dtype: tf.DType | str) -> None:
        self.dtype = tf.as_dtype(dtype)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, *event)."""
        return tf.cast(x, self.dtype)

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x: `vjp` goes back to the type of x."""
        del probes
        return Linearization(self(x), self, Cast(x.dtype))


class Composition:
    """The maps of a list, applied from first to last."""

    def __init__(self, maps: Iterable[Map]) -> None:
        self.maps = tuple(maps)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, *event)."""
        for one in self.maps:
            x = one(x)
        return x

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
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
