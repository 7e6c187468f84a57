"""Counted arithmetic: against numbers that are worked out by hand, and calls that are counted apart."""

import collections

import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.benchmarks import peers
from keras_iresnet.benchmarks.arithmetic import Arithmetic, Product, products_of
from keras_iresnet.benchmarks.inverse_arithmetic import products_of_inverse
from keras_iresnet.benchmarks.training_step import TrainingStep
from keras_iresnet.benchmarks.workload import Workload, build_flow
from keras_iresnet.borrowed.tensorflow_names import NOT_INLINED
from keras_iresnet.layers import InvertibleResidualBlock

TINY = Workload(blocks=(1, 1), channels=6, size=8, batch_size=5, num_terms=3)


def traced(function, *shapes):
    return tf.function(function, autograph=False).get_concrete_function(*map(tf.TensorSpec, shapes))


def flop(function, *shapes):
    return sum(count * product.flop for product, count in products_of(traced(function, *shapes)).items())


def pass_flop(workload):
    """Multiplications and additions of one pass of all branches, 3x3, 1x1 and 3x3, by hand."""
    side, channels, total = workload.size, 3, 0
    for blocks in workload.blocks:
        side, channels = side // 2, channels * 4
        weights = 2 * 9 * channels * workload.channels + workload.channels**2
        total += blocks * 2 * side**2 * weights
        channels //= 2
    return total * workload.batch_size


def test_products_of_matrices_and_convolutions_are_counted_by_hand():
    assert flop(tf.matmul, (3, 4), (4, 5)) == 2 * 3 * 4 * 5
    assert flop(lambda a, b: tf.matmul(a, b, transpose_a=True), (4, 3), (4, 5)) == 2 * 3 * 4 * 5
    assert flop(lambda a, b: tf.matmul(a, b, transpose_b=True), (7, 3, 4), (7, 5, 4)) == 7 * 2 * 3 * 4 * 5
    shapes = (2, 9, 9, 3), (3, 3, 3, 5)
    assert flop(lambda x, w: tf.nn.conv2d(x, w, 2, "VALID"), *shapes) == 2 * (2 * 4 * 4 * 5) * (3 * 3 * 3)

    def gradients(x, w):
        with tf.GradientTape() as tape:
            tape.watch((x, w))
            y = tf.nn.conv2d(x, w, 2, "VALID")
        return tape.gradient(y, (x, w))  # of a sum: the convolution itself is not needed

    assert flop(gradients, *shapes) == 2 * 2 * (2 * 4 * 4 * 5) * (3 * 3 * 3)


def test_calls_count_each_time_and_loops_are_refused():
    square = tf.function(lambda x: x @ x, autograph=False, experimental_attributes=NOT_INLINED)
    assert flop(lambda x: square(square(x)), (5, 5)) == 2 * 2 * 5**3
    with pytest.raises(ValueError, match="loops and choices cannot be counted"):
        flop(lambda x: tf.while_loop(lambda y: tf.reduce_sum(y) < 5, lambda y: (y @ y,), (x,))[0], (5, 5))
    with pytest.raises(ValueError, match="Shapes must be known"):
        flop(lambda x: x @ x, (None, 5))


def test_products_are_timed_at_their_shapes():
    small = products_of(traced(tf.matmul, (64, 64), (64, 64)))
    large = products_of(traced(tf.matmul, (512, 512), (512, 512)))
    assert Arithmetic.of(large, 3).alone_seconds > 3 * Arithmetic.of(small, 3).alone_seconds > 0
    twice = Arithmetic.of(collections.Counter({product: 1000 for product in small}), 3)
    assert twice.gflop == pytest.approx(1000 * 2 * 64**3 / 1e9)
    x = tf.random.normal((2, 9, 9, 3), seed=1)
    for product in _convolutions(x):
        assert Arithmetic.of({product: 1}, 1).alone_seconds > 0


def _convolutions(x):
    def gradients(x, w):
        with tf.GradientTape() as tape:
            tape.watch((x, w))
            y = tf.nn.conv2d(x, w, 2, "VALID")
        return y, tape.gradient(y, (x, w))

    found = products_of(traced(gradients, x.shape, (3, 3, 3, 5)))
    assert {product.kind for product in found} == {"Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"}
    return found


def test_a_step_is_ten_passes_less_what_nobody_asks_for():
    step = TrainingStep(build_flow("dual", TINY), TINY.batch_size)
    found = products_of(tf.function(step.model.train_step, autograph=False).get_concrete_function(step.batch))
    own = {product: count for product, count in found.items() if _of_images(product)}
    passes = sum(count * product.flop for product, count in own.items()) / pass_flop(TINY)
    # Value, J v, the chain of n - 1 = 2, and two for each of value and J v on the way back.
    assert 7 < passes <= 8


def _of_images(product):
    """Not of the power iterations: five images, and nothing else that comes in fives."""
    return any(shape[0] % TINY.batch_size == 0 for _, shape in product.operands)


def test_an_inverse_is_counted_by_its_steps():
    flow, x = peers.flow_at_its_bound(TINY, TINY.batch_size)
    z = flow.forward(x)
    found = products_of_inverse(flow, z)
    steps = int(tf.reduce_max(flow.inverse_and_report(z)[1].steps))
    total = sum(count * product.flop for product, count in found.items())
    assert 0.7 * steps / 2 < total / pass_flop(TINY) < 1.3 * steps / 2  # two blocks of about as many steps
    assert {type(layer) for layer in flow._flatten_layers() if hasattr(layer, "branch")} == {InvertibleResidualBlock}
    np.testing.assert_allclose(flow.inverse(z), x, atol=1e-5)


def test_a_product_says_what_it_is():
    (product,) = products_of(traced(lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"), (1, 4, 4, 2), (3, 3, 2, 2)))
    operands = (("input", (1, 4, 4, 2)), ("filter", (3, 3, 2, 2)))
    assert product == Product(
        "Conv2D", operands, (1, 4, 4, 2), "float32", (("strides", (1, 1, 1, 1)), ("padding", "SAME"))
    )
