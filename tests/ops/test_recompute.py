import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.layers import ConvBranch, DenseBranch, InvertibleResidualBlock
from keras_iresnet.ops.log_det import ExactLogDet, SeriesLogDet


def _gradients(block, x, remat, log_det):
    """Loss, gradients, and how many of the operations that the branch is made of the graph holds."""
    block.remat = remat
    weights = [weight.value for weight in block.trainable_weights]

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, nats = block.forward_and_log_det(x, seed=(1, 2)) if log_det else (block(x, training=True), x)
            loss = tf.reduce_sum(tf.sin(y)) + tf.reduce_sum(nats**2)
        return loss, tape.gradient(loss, [x, *weights])

    graph = gradients.get_concrete_function().graph
    return *gradients(), sum(operation.type in ("Conv2D", "MatMul") for operation in graph.get_operations())


@pytest.mark.parametrize("log_det", [True, False])
@pytest.mark.parametrize(
    ("branch", "estimator", "shape"),
    [
        (lambda: ConvBranch(6, dropout=0.3, seed=1, dtype="float64"), SeriesLogDet(4, 2), (3, 5, 5, 2)),
        (lambda: DenseBranch((7, 7), activation="lipswish", dtype="float64"), ExactLogDet(), (4, 2)),
        (lambda: DenseBranch((8,), activation="maxmin", dtype="float64"), SeriesLogDet(5), (4, 6)),
    ],
)
def test_gradients_are_those_that_remember(branch, estimator, shape, log_det):
    block = InvertibleResidualBlock(branch(), estimator=estimator, dtype="float64")
    x = tf.random.stateless_normal(shape, (5, 6), dtype="float64")
    block.build(shape)
    start = [variable.numpy() for variable in block.variables]
    loss, plain, count = _gradients(block, x, False, log_det)
    for variable, value in zip(block.variables, start, strict=True):  # the vectors and the seed of the dropout
        variable.assign(value)
    again, recomputed, larger_count = _gradients(block, x, True, log_det)
    assert larger_count >= count + len(block.branch.spectral_layers) - 1  # the output itself is not needed again
    np.testing.assert_allclose(again, loss, rtol=1e-12)
    assert len(plain) == 1 + len(block.trainable_weights)
    for one, other in zip(plain, recomputed, strict=True):
        assert float(tf.norm(one)) > 1e-4
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-12)


def test_vectors_advance_once_a_step():
    advanced = []
    for remat in (False, True):
        keras.utils.set_random_seed(3)
        block = InvertibleResidualBlock(DenseBranch((7,)), remat=remat)
        block.build((None, 4))
        block.branch.spectral_layers[0].kernel.assign_add(tf.random.stateless_normal((4, 7), (1, 1)))

        @tf.function(autograph=False)
        def step(block=block):
            x = tf.ones((2, 4))
            with tf.GradientTape() as tape:
                tape.watch(x)
                y, log_det = block.forward_and_log_det(x, seed=(1, 2), training=True)
                loss = tf.reduce_sum(y) + tf.reduce_sum(log_det)
            return tape.gradient(loss, x)

        step()
        advanced.append(block.branch.spectral_layers[0].u.numpy())
    np.testing.assert_allclose(*advanced, rtol=1e-5)


def test_a_branch_whose_weights_cannot_be_seen_is_refused():
    with pytest.raises(ValueError, match=r"`remat` needs a branch with a method `as_map`.*Received: plain"):
        InvertibleResidualBlock(keras.layers.Dense(2, name="plain"), remat=True)
