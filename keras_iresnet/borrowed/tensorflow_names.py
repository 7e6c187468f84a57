"""What TensorFlow does not promise to keep."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import record
from tensorflow.python.framework import op_callbacks

# An attribute of a `tf.function`: its body stays a function of its own in the graph that calls it. Inlined, the passes
# of a block would be scheduled one by one among those of the others, and what each needs in between be kept.
NOT_INLINED = {"_noinline": True}
_PRODUCTS = ("MatMul", "Conv")  # in names of operations: there are batched and fused ones


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


def products_in(function: Callable[[], Any]) -> list[tuple[int, ...]]:
    """The shapes of what is multiplied by kernels while a function runs, eagerly: of matrix products and convolutions.

    What other threads do is not seen.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.borrowed.tensorflow_names import products_in
    >>> products_in(lambda: tf.matmul(tf.ones((2, 3)), tf.ones((3, 1))))
    [(2, 3)]
    """
    found = []

    def note(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        if any(name in op_type for name in _PRODUCTS):
            # A transposed convolution takes the shape of its result first, and the kernel.
            found.append(tuple(inputs[2 if op_type.endswith("BackpropInput") else 0].shape))

    eager = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    op_callbacks.add_op_callback(note)
    try:
        function()
    finally:
        op_callbacks.remove_op_callback(note)
        tf.config.run_functions_eagerly(eager)
    return found


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
