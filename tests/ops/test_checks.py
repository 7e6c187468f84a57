import pytest
import tensorflow as tf

from keras_iresnet.ops.checks import assertions_as_errors, require

MUST = "Images of floats must lie in [0, 1]; integers are given as integers."


@tf.function
def checked(x):
    return require(x, (x >= 0) & (x <= 1), MUST)


@tf.function
def asserted(x):
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(x > 0), ["The inverse must converge.", x])]):
        return tf.identity(x)


def test_what_must_hold_is_told_without_a_trace_of_the_graph():
    with pytest.raises(tf.errors.InvalidArgumentError), assertions_as_errors():
        asserted(tf.constant([-1.0]))  # of another kind, with values of its own
    with pytest.raises(tf.errors.InvalidArgumentError, match="Detected at node"):
        checked(tf.constant([2.0]))
    with pytest.raises(ValueError, match="Images of floats must lie") as told, assertions_as_errors():
        checked(tf.constant([2.0]))
    assert str(told.value) == f"{MUST} Received: a batch of which this does not hold"
    assert isinstance(told.value.__cause__, tf.errors.InvalidArgumentError)


def test_the_data_are_looked_at_where_they_are_there_still():
    x = tf.constant([0.5, 2.0])

    def examine():
        require(x, x <= 1, MUST, lambda: str(x.numpy().max()))

    with pytest.raises(ValueError, match=r"Received: 2\.0$"), assertions_as_errors(examine):
        checked(x)
    with assertions_as_errors(lambda: pytest.fail("nothing was wrong")):
        checked(x / 2)
