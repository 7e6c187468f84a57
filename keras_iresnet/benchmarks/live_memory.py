"""How much memory a compiled function needs for its tensors, counted in its graph: no device is asked."""

from typing import Any

from keras_iresnet.benchmarks.operations import VIEWS
from keras_iresnet.borrowed.tensorflow_names import called


def live_bytes(function: Any) -> int:
    """The largest sum of bytes of tensors that are needed at once, where operations run in the order they were traced.

    A tensor lives from the operation that makes it to the last that takes it. Operations that only look at a tensor
    another way (reshape, identity, the value of a variable) share its memory; those of no known shape count nothing. A
    runtime that runs operations side by side, keeps workspaces of convolutions, or frees late needs more.

    Args:
        function: a concrete function of tensors whose shapes are known.

    Returns:
        Bytes, without variables and arguments.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.benchmarks.live_memory import live_bytes
    >>> f = tf.function(lambda a: tf.reduce_sum(tf.exp(tf.sin(a)))).get_concrete_function(tf.TensorSpec((1000,)))
    >>> live_bytes(f)  # the sine and its exponential
    8000
    """
    return _peak(function.graph)


def _peak(graph):
    operations = graph.get_operations()
    owner: dict[Any, Any] = {}  # of a view, the tensor whose memory it is
    last: dict[Any, int] = {}
    for index, operation in enumerate(operations):
        for tensor in operation.inputs:
            last[owner.get(tensor.ref(), tensor.ref())] = index
        if operation.type in VIEWS:
            pairs = zip(operation.outputs, operation.inputs, strict=False)
            owner.update({view.ref(): owner.get(tensor.ref(), tensor.ref()) for view, tensor in pairs})
    for tensor in graph.outputs:
        last[owner.get(tensor.ref(), tensor.ref())] = len(operations)
    ending: dict[int, list[int]] = {}
    now = peak = 0
    for index, operation in enumerate(operations):
        made = [] if operation.type in ("Placeholder", *VIEWS) else operation.outputs
        for tensor in made:
            size = _bytes(tensor)
            now += size
            ending.setdefault(last.get(tensor.ref(), index), []).append(size)
        inner = max((_peak(one) for one in called(operation)), default=0)
        peak = max(peak, now + inner)
        now -= sum(ending.pop(index, ()))
    return peak


def _bytes(tensor):
    size = tensor.shape.num_elements()
    return 0 if size is None or not tensor.dtype.size or tensor.dtype.name == "resource" else size * tensor.dtype.size
