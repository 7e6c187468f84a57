"""How many operations a compiled function starts, counted in its graph: a small model takes its time for them."""

from typing import Any

from keras_iresnet.borrowed.tensorflow_names import called

# Operations that only look at a tensor another way, or at the value of a variable: nothing is computed.
VIEWS = (
    *("Identity", "IdentityN", "Reshape", "StopGradient", "Squeeze", "ExpandDims", "PreventGradient"),
    "ReadVariableOp",
)
# What is known before a step begins, where shapes are, and what only orders others or passes on to them.
_NOT_STARTED = (*VIEWS, "Const", "Placeholder", "NoOp", "Shape", "ShapeN", "Size", "Rank")
_CALL = "PartitionedCall"


def operations_of(function: Any) -> int:
    """How many operations one call of a concrete function starts, those of functions that it calls each time they are.

    Constants, arguments, shapes and what only looks at a tensor another way are not counted, nor is what no result
    depends on. TensorFlow makes fewer of them where it finds operations that are alike or can be one, XLA far fewer.

    Raises:
        ValueError: there is a loop or a choice: how many depends on what is computed.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.benchmarks.operations import operations_of
    >>> f = tf.function(lambda a: tf.reshape(tf.exp(tf.sin(a)), (2, 5))).get_concrete_function(tf.TensorSpec((10,)))
    >>> operations_of(f)
    2
    """
    return _started(function.graph)


def needed(graph: Any) -> set[Any]:
    """The operations that the results depend on, or that change a variable; TensorFlow drops the others."""
    waiting = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    found = set(waiting)
    while waiting:
        operation = waiting.pop()
        before = {tensor.op for tensor in operation.inputs} | set(operation.control_inputs)
        waiting += before - found
        found |= before
    return found


def is_call(operation: Any) -> bool:
    """Whether an operation calls one function once, rather than being a loop or a choice of several."""
    return operation.type.endswith(_CALL)


def _started(graph):
    total = 0
    for operation in needed(graph):
        inner = called(operation)
        if inner and not is_call(operation):
            raise ValueError(f"Operations in loops and choices cannot be counted. Received: {operation.name}")
        total += sum(map(_started, inner)) if inner else operation.type not in _NOT_STARTED
    return total
