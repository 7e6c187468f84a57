"""What GPUs multiply in."""

import tensorflow as tf


def keep_float32() -> None:
    """Have GPUs multiply float32 as float32, in this process.

    TensorFlow lets them round the factors to 10 bits (TensorFloat-32) otherwise: a thousandth of a norm, of a log-det
    and of a fixed point, none of which anybody asked for. `mixed_bfloat16` rounds branches in training alone.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.runs.machine.full_products import keep_float32
    >>> keep_float32()
    >>> tf.config.experimental.tensor_float_32_execution_enabled()
    False
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)
