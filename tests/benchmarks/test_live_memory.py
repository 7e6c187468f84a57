import pytest
import tensorflow as tf

from keras_iresnet.benchmarks.live_memory import live_bytes

N = 1000


def _bytes(function, *shapes):
    specs = [tf.TensorSpec(shape) for shape in shapes]
    return live_bytes(tf.function(function, autograph=False).get_concrete_function(*specs))


def test_a_chain_keeps_two_tensors_and_what_is_used_again_is_kept():
    assert _bytes(lambda a: tf.reduce_sum(tf.exp(tf.sin(tf.cos(a)))), (N,)) == 2 * 4 * N

    def used_again(a):
        b = tf.sin(a)
        return tf.reduce_sum(tf.exp(tf.cos(b)) * b)

    assert _bytes(used_again, (N,)) == 3 * 4 * N


def test_views_share_their_memory():
    assert _bytes(lambda a: tf.reduce_sum(tf.reshape(tf.sin(a), (10, N // 10))), (N,)) == pytest.approx(4 * N, abs=64)


@pytest.mark.parametrize("depth", [2, 5])
def test_a_gradient_keeps_every_layer_of_the_way_there(depth):
    def gradient(a):
        with tf.GradientTape() as tape:
            tape.watch(a)
            x = a
            for _ in range(depth):
                x = tf.tanh(x)  # whose gradient is made of its value
        return tape.gradient(x, a)

    assert 4 * N * depth <= _bytes(gradient, (N,)) <= 4 * N * (depth + 2)


def test_functions_that_are_called_count_for_as_long():
    inner = tf.function(lambda a: tf.reduce_sum(tf.exp(tf.sin(a))), autograph=False)
    outer = _bytes(lambda a: inner(a) + inner(a), (N,))
    assert outer == pytest.approx(2 * 4 * N, abs=64)
