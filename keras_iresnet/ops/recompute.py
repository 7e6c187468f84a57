"""Computes a branch once more in the backward pass, rather than remember what it computed."""

import functools
from typing import Any

import tensorflow as tf

from keras_iresnet.borrowed.tensorflow_names import NOT_INLINED
from keras_iresnet.ops.map_forms import put_together, take_apart
from keras_iresnet.ops.replicas import replica_key


def recomputed(function: Any, g: Any, x: tf.Tensor, *arguments: Any) -> Any:
    """`function(g, x, *arguments)`, of which the backward pass needs x and the weights of g alone.

    All else (activations, derivatives) is computed again there (Chen et al., arXiv:1604.06174, a segment for each
    block). A function may name something small that is better kept: one with a method `remember(g, x, *arguments)`,
    which returns a pair of what the function does and of that, has `replay(g, x, *arguments, kept)`, which returns
    tensors with the same gradients.

    Each pass is a TensorFlow function of its own, which gives its results all at once: neither goes on to the next
    block before it is done with this one, and nothing of this one stays. Blocks that differ in the values of their
    tensors alone share both functions, so that each further one adds two calls to the graph.

    Args:
        function: an estimator of `keras_iresnet.ops.log_det`, or `operator.call` for g(x) alone; hashable.
        g: a map of `keras_iresnet.ops.maps`, or one like those: what it depends on are its attributes, not a closure's,
            and those that are no tensors are hashable.
        x: (batch, *event).
        *arguments: the seed of an estimator.

    Returns:
        What `function` does: of an estimator g(x) and nats (batch,).

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import log_det, maps, recompute
    >>> g = maps.Dense(tf.constant([[0.5, 0.0], [0.0, -0.2]]))
    >>> value, nats = recompute.recomputed(log_det.ExactLogDet(), g, tf.zeros((1, 2)), None)
    >>> print(f"{nats.numpy()[0]:.4f}")  # log(1.5 * 0.8)
    0.1823
    """
    tensors, form = take_apart((g, *arguments))
    forward, backward = _passes(function, form, replica_key())

    @tf.custom_gradient
    def of_tensors(x, *tensors):
        value, kept = forward(x, tensors)

        def gradient(*upstream):
            by_x, *by_floats = backward(x, tensors, kept, upstream)
            by_floats = iter(by_floats)
            return by_x, *(next(by_floats) if tensor.dtype.is_floating else None for tensor in tensors)

        return value, gradient

    return of_tensors(x, *tensors)


@functools.lru_cache(maxsize=256)
def _passes(function, form, replica):
    """The two functions for maps of one form, on one replica: what is random in them differs between replicas."""
    del replica

    @tf.function(autograph=False, experimental_attributes=NOT_INLINED)
    def forward(x, tensors):
        g, *arguments = put_together(form, iter(tensors))
        if hasattr(function, "remember"):
            return function.remember(g, x, *arguments)
        return function(g, x, *arguments), ()

    @tf.function(autograph=False, experimental_attributes=NOT_INLINED)
    def backward(x, tensors, kept, upstream):
        sources = [x, *(tensor for tensor in tensors if tensor.dtype.is_floating)]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            g, *arguments = put_together(form, iter(tensors))
            if hasattr(function, "replay"):
                outputs = function.replay(g, x, *arguments, kept)
            else:
                outputs = function(g, x, *arguments)
        outputs = tf.nest.flatten(outputs)
        return tape.gradient(outputs, sources, list(upstream), unconnected_gradients="zero")

    return forward, backward
