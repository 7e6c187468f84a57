"""Any differentiable function as a map."""

from collections.abc import Callable

import tensorflow as tf

from keras_iresnet.ops.maps.linearization import Linearization


class Taped:
    """Any differentiable function, linearised by `tf.GradientTape`.

    J^T u is a gradient of the recorded value. J v is the gradient of <J^T u, v> with respect to u, on which it does
    not depend (the double-backward identity), so the function runs once: what is random or stateful in it is the
    same for the value and for every product.
    """

    def __init__(self, function: Callable[[tf.Tensor], tf.Tensor]) -> None:
        self.function = function

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, *event)."""
        return self.function(x)

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
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
