"""Which layer it was in whose hands a training's numbers became infinite or NaN."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.models.base import InvertibleModel


def not_finite(weights: Iterable[keras.Variable]) -> list[str]:
    """Paths of the weights, such as `flow/chain/act_norm/bias`, that hold an infinity or NaN.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.runs.state.broken_layer import not_finite
    >>> not_finite(ki.zoo.toy_flow(blocks=1, units=(8,)).trainable_weights)
    []
    """
    return [weight.path for weight in weights if not _is_finite(tf.convert_to_tensor(weight))]


def broken_layer(model: InvertibleModel, batch: Any) -> str | None:
    """Where a training step on a batch first leaves the finite numbers: a layer's output, the loss, or a gradient.

    Layers are looked at in the order of the forward pass, gradients in that of the backward pass. The step is taken
    eagerly, and the weights stay as they are; power iterations and random numbers go on.

    Args:
        model: compiled, with finite weights.
        batch: what `fit` takes out of a data set.

    Returns:
        Such as `"the output of act_norm_3"`; `None` where all is finite.

    Example:
    >>> import numpy as np
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.runs.state.broken_layer import broken_layer
    >>> flow, points = ki.zoo.toy_flow(blocks=1, units=(8,), seed=0), np.ones((4, 2), "float32")
    >>> flow.compile("adam")
    >>> broken_layer(flow, points) is None
    True
    >>> _ = flow.layer.layers[0].weights[0].assign([np.inf, 0.0])
    >>> broken_layer(flow, points) == f"the output of {flow.layer.layers[0].name}"
    True
    """
    x, y, weights = keras.utils.unpack_x_y_sample_weight(model._batch(batch))
    with _watched(model) as seen, tf.GradientTape() as tape:
        found = model(x, training=True)
        loss = tf.convert_to_tensor(model.compute_loss(x, y, found, weights, training=True))
    if seen:
        return f"the output of {seen[0]}"
    if not _is_finite(loss):
        return "the loss, of outputs that are finite"
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    for weight, gradient in reversed(list(zip(model.trainable_weights, gradients, strict=True))):
        if gradient is not None and not _is_finite(tf.convert_to_tensor(gradient)):
            return f"the gradient of {weight.path}"
    return None


@contextlib.contextmanager
def _watched(model: InvertibleModel) -> Iterator[list[str]]:
    """Names of the innermost layers whose output or log-determinant is not finite, in the order of the pass."""
    seen: list[str] = []
    layers = [layer for layer in layers_in(model) if isinstance(layer, InvertibleLayer)]
    with contextlib.ExitStack() as around:
        for layer in layers:
            around.enter_context(_watching(layer, seen))
        yield seen


@contextlib.contextmanager
def _watching(layer, seen):
    forward = layer._forward

    def watched(x, carried):
        y, log_det = forward(x, carried)
        if not (_is_finite(y) and _is_finite(tf.convert_to_tensor(log_det))):
            seen.append(layer.name)  # one that holds others comes after them
        return y, log_det

    object.__setattr__(layer, "_forward", watched)
    try:
        yield
    finally:
        object.__delattr__(layer, "_forward")


def _is_finite(value):
    return bool(tf.reduce_all(tf.math.is_finite(value)))
