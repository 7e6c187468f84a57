"""Computes a branch once more in the backward pass, rather than remember what it computed."""

import copy

import tensorflow as tf


def recomputed(function, g, x, *arguments):
    """`function(g, x, *arguments)`, of which the backward pass needs x and the weights of g alone.

    All else (activations, derivatives, products with probes) is computed again there, about a third more work (Chen
    et al., arXiv:1604.06174, a segment for each block).

    Neither pass goes on to the next block before it is done with this one. The value of g is known long before its
    log-determinant, and the gradient by x before those by the weights: a pass that went ahead would hold the
    activations of all the blocks that it left behind.

    Args:
        function: an estimator of `keras_iresnet.ops.log_det`, or `operator.call` for g(x) alone.
        g: a map of `keras_iresnet.ops.maps`, or one like those: what it depends on are its attributes, not a closure's.
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

    @tf.recompute_grad
    def of_tensors(x, *tensors):
        return _together(function(_with(g, iter(tensors)), x, *arguments))

    return of_tensors(*_with_gradients_together(x, *_tensors(g)))


def _together(tensors):
    """The same, none of them before all are there."""
    with tf.control_dependencies(tf.nest.flatten(tensors)):
        return tf.nest.map_structure(tf.identity, tensors)


@tf.custom_gradient
def _with_gradients_together(*tensors):
    """The same, whose gradients come all at once."""
    return [tf.identity(tensor) for tensor in tensors], lambda *upstream: _together(list(upstream))


def _tensors(part):
    """What gradients flow to in a map, or in maps."""
    if tf.is_tensor(part):
        return [part] if part.dtype.is_floating else []
    if isinstance(part, (list, tuple)):
        return [tensor for inner in part for tensor in _tensors(inner)]
    return _tensors(list(vars(part).values())) if hasattr(part, "linearize") else []


def _with(part, tensors):
    """The same with the next of `tensors` for each of its own."""
    if tf.is_tensor(part):
        return next(tensors) if part.dtype.is_floating else part
    if isinstance(part, (list, tuple)):
        return type(part)(_with(inner, tensors) for inner in part)
    if not hasattr(part, "linearize"):
        return part
    changed = copy.copy(part)
    for name, value in vars(part).items():
        setattr(changed, name, _with(value, tensors))
    return changed
