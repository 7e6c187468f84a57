"""What TensorFlow does not promise to keep."""

from typing import Any

import tensorflow as tf
from tensorflow.python.eager import record

# An attribute of a `tf.function`: its body stays a function of its own in the graph that calls it. Inlined, the passes
# of a block would be scheduled one by one among those of the others, and what each needs in between be kept.
NOT_INLINED = {"_noinline": True}


def is_recording() -> bool:
    """Whether a gradient tape may be recording: a value computed outside of it has no gradients inside.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.borrowed.tensorflow_names import is_recording
    >>> with tf.GradientTape():
    ...     inside = is_recording()
    >>> is_recording(), inside
    (False, True)
    """
    return record.could_possibly_record()


def may_write(operation: tf.Operation, handle: tf.Tensor) -> bool:
    """Whether an operation of a graph may write to the variable behind a handle that it takes.

    Calls, loops and branches name, in an attribute, the inputs that they only read.
    """
    if operation.type == "ReadVariableOp":
        return False
    try:
        only_read = operation.get_attr("_read_only_resource_inputs")
    except ValueError:
        return True
    return any(one is handle and i not in only_read for i, one in enumerate(operation.inputs))


def called(operation: tf.Operation) -> list[Any]:
    """The graphs of the functions that an operation calls: of a call the one, of a loop condition and body.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.borrowed.tensorflow_names import NOT_INLINED, called
    >>> inner = tf.function(lambda x: x + 1.0, experimental_attributes=NOT_INLINED)
    >>> graph = tf.function(lambda x: inner(x)).get_concrete_function(tf.TensorSpec(())).graph
    >>> [[part.type for part in found.get_operations()] for op in graph.get_operations() for found in called(op)]
    [['Placeholder', 'Const', 'AddV2', 'Identity']]
    """
    named = [operation.get_attr(attribute.name) for attribute in operation.op_def.attr if attribute.type == "func"]
    return [operation.graph._get_function(function.name).graph for function in named]
