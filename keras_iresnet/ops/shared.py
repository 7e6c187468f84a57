"""Functions of maps, traced once for all maps of one form: users wait for every operation that is traced."""

import functools
from typing import Any

import tensorflow as tf

from keras_iresnet.borrowed.tensorflow_names import NOT_INLINED
from keras_iresnet.ops.map_forms import is_shareable, put_together, take_apart
from keras_iresnet.ops.replicas import replica_key


def shared(function: Any, g: Any, *tensors: tf.Tensor) -> Any:
    """`function(g, *tensors)`, by a TensorFlow function that serves every g of one form.

    A graph of many blocks has one call for each, and their body once.

    Args:
        function: of a map and tensors; hashable, and equal to itself whenever it does the same.
        g: a map of `keras_iresnet.ops.maps`. One that cannot be told from others by its form, such as a function of a
            user's own, is called as it is.
        *tensors: what else the function takes; their first axis may differ from call to call.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import maps, shared
    >>> double, half = maps.Dense(2 * tf.eye(2)), maps.Dense(tf.eye(2) / 2)
    >>> [shared.shared(maps.Dense.adjoint, g, tf.ones((1, 2))).numpy().tolist() for g in (double, half)]
    [[[2.0, 2.0]], [[0.5, 0.5]]]
    """
    weights, form = take_apart(g)
    if not is_shareable(form):
        return function(g, *tensors)
    return _traced(function, form, replica_key())(tuple(weights), *tensors)


@functools.lru_cache(maxsize=256)
def _traced(function, form, replica):
    del replica  # what is random differs between replicas

    @tf.function(autograph=False, reduce_retracing=True, experimental_attributes=NOT_INLINED)
    def of_tensors(weights, *tensors):
        return function(put_together(form, iter(weights)), *tensors)

    return of_tensors


def trace_anew() -> None:
    """Forget what was traced: a function that met batches of several sizes knows none, as one who counts has to.

    Example:
    >>> from keras_iresnet.ops import shared
    >>> shared.trace_anew()
    """
    _traced.cache_clear()
