"""Operations are counted where something is computed, in what is called as often as it is, and not in loops."""

import pytest
import tensorflow as tf

from keras_iresnet.benchmarks.operations import operations_of
from keras_iresnet.borrowed.tensorflow_names import NOT_INLINED


def count(function, *shapes):
    specs = [tf.TensorSpec(shape) for shape in shapes]
    return operations_of(tf.function(function, autograph=False).get_concrete_function(*specs))


def test_what_computes_is_counted_and_views_constants_and_what_nobody_asked_for_are_not():
    assert count(lambda a: tf.sin(a), (3,)) == 1
    assert count(lambda a: tf.reshape(tf.sin(a) + 2.0, (3, 1)), (3,)) == 2

    def unasked(a):
        tf.exp(a)
        return tf.stop_gradient(tf.sin(a))

    assert count(unasked, (3,)) == 1


def test_what_changes_a_variable_is_counted_though_no_result_depends_on_it():
    variable = tf.Variable(0.0)

    def change(a):
        variable.assign_add(a)
        return tf.sin(a)

    assert count(change, ()) == 2
    assert count(lambda a: [variable.assign_add(a)][:0], ()) == 1


def test_functions_count_each_time_they_are_called():
    twice = tf.function(lambda x: tf.sin(tf.cos(x)), autograph=False, experimental_attributes=NOT_INLINED)
    assert count(lambda a: twice(twice(a)) + 1.0, (3,)) == 2 * 2 + 1


@pytest.mark.parametrize(
    "function",
    [
        lambda a: tf.while_loop(lambda x: tf.reduce_sum(x) < 5, lambda x: (x + 1,), (a,))[0],
        lambda a: tf.cond(tf.reduce_sum(a) < 5, lambda: tf.sin(a), lambda: a),
    ],
)
def test_loops_and_choices_are_refused(function):
    with pytest.raises(ValueError, match=r"loops and choices cannot be counted\. Received: "):
        count(function, (3,))
