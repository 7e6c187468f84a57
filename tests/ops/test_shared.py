import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.ops import maps
from keras_iresnet.ops.map_forms import is_shareable, lowered, put_together, take_apart
from keras_iresnet.ops.shared import shared


def matrices(count, side=3, seed=0):
    return [tf.constant(matrix) for matrix in np.random.default_rng(seed).normal(size=(count, side, side))]


def square(x):
    return x**2, 2 * x


class Counted:
    """A function of a map and a point, and how often Python ran it: once a trace."""

    def __init__(self):
        self.runs = 0

    def __call__(self, g, x):
        self.runs += 1
        return g(x)


def test_maps_of_one_form_are_traced_once_and_keep_their_own_weights():
    function, x = Counted(), tf.ones((2, 3), tf.float64)
    for first, second in zip(matrices(3), matrices(3, seed=1), strict=True):
        g = maps.Composition([maps.Dense(first), maps.Elementwise(square), maps.Dense(second)])
        np.testing.assert_allclose(shared(function, g, x), (x.numpy() @ first.numpy()) ** 2 @ second.numpy())
    assert function.runs == 1
    shared(function, maps.Dense(matrices(1)[0]), x)
    assert function.runs == 2


def test_a_graph_holds_a_call_for_each_map():
    weights = matrices(8)

    @tf.function(autograph=False)
    def all_of_them(x):
        return tf.add_n([shared(square_norm, maps.Dense(weight), x) for weight in weights])

    x = tf.ones((2, 3), tf.float64)
    np.testing.assert_allclose(all_of_them(x), sum(np.sum((x.numpy() @ one.numpy()) ** 2) for one in weights))
    operations = all_of_them.get_concrete_function(x).graph.get_operations()
    assert sum(one.type in ("PartitionedCall", "StatefulPartitionedCall") for one in operations) == 8
    assert not any(one.type == "MatMul" for one in operations)


def square_norm(g, x):
    return tf.reduce_sum(g(x) ** 2)


def test_gradients_reach_weights_and_point():
    weight, x = matrices(1)[0], tf.ones((2, 3), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([weight, x])
        total = shared(square_norm, maps.Dense(weight), x)
    by_weight, by_x = tape.gradient(total, [weight, x])
    y = x.numpy() @ weight.numpy()
    np.testing.assert_allclose(by_weight, 2 * x.numpy().T @ y)
    np.testing.assert_allclose(by_x, 2 * y @ weight.numpy().T)


def test_a_function_of_a_users_own_is_called_as_it_is():
    for factor in (2.0, 3.0):
        g = maps.Elementwise(lambda x, factor=factor: (factor * x, factor * tf.ones_like(x)))
        assert not is_shareable(take_apart(g)[1])
        np.testing.assert_array_equal(shared(Counted(), g, tf.ones((1, 2))), [[factor, factor]])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_lowered_map_computes_in_fewer_digits_from_and_to_the_stream(dtype):
    weight = tf.cast(matrices(1)[0], tf.float32)
    g, x = maps.Composition([maps.Elementwise(square), maps.Dense(weight)]), tf.constant([[0.3, -1.1, 0.7]])
    low = lowered(g, dtype, "float32")(x)
    assert low.dtype == tf.float32
    np.testing.assert_array_equal(low, tf.cast(tf.cast(low, dtype), tf.float32))
    error = np.abs(low - g(x)).max()
    assert 1e-6 < error < 0.05


def test_a_map_is_put_together_as_it_was():
    g = maps.Conv2D(tf.ones((3, 3, 4, 2)), tf.ones(2), grid=(6, 6, 4))
    tensors, form = take_apart(g)
    again = put_together(form, iter(tensors))
    x = tf.random.stateless_normal((1, 6, 6, 4), (1, 2))
    np.testing.assert_array_equal(again(x), g(x))
    assert form == take_apart(again)[1]
    assert form != take_apart(maps.Conv2D(tf.ones((3, 3, 4, 2)), tf.ones(2), grid=(5, 5, 4)))[1]
