"""Tells whether weights may have changed between two moments: what a cache of computed values has to know."""

import hashlib
import weakref
from collections.abc import Hashable, Sequence

import tensorflow as tf

from keras_iresnet.borrowed.tensorflow_names import may_write


def weight_state(weights: Sequence[tf.Variable]) -> Hashable:
    """Something that differs whenever values computed from the weights may differ.

    Eagerly, a digest of the weights. While a graph is traced they have no values: there it is the graph itself and the
    number of operations in it, so far, that may have written to them.

    Args:
        weights: list of `tf.Variable`.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.layers.weight_state import weight_state
    >>> weight = tf.Variable([1.0])
    >>> before = weight_state([weight])
    >>> before == weight_state([weight]), before == weight_state([weight.assign([2.0])])
    (True, False)
    """
    if tf.executing_eagerly():
        digest = hashlib.blake2b(digest_size=16)
        for weight in weights:
            digest.update(weight.numpy().tobytes())
        return digest.digest()
    graph = tf.compat.v1.get_default_graph()
    handles = [graph.capture(weight.handle) for weight in weights]
    writes = sum(may_write(operation, handle) for handle in handles for operation in handle.consumers())
    return weakref.ref(graph), writes
