import operator
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.layers import ConvBranch, DenseBranch, InvertibleResidualBlock
from keras_iresnet.ops.log_det import ExactLogDet, SeriesLogDet
from keras_iresnet.ops.maps import Composition, Dense, Mask
from keras_iresnet.ops.recompute import recomputed


def _gradients(block, x, remat, log_det):
    """Loss, gradients, and how many of the operations that the branch is made of a step runs."""
    block.remat = remat
    weights = [weight.value for weight in block.trainable_weights]

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, nats = (
                block.forward_and_log_det(x, seed=(1, 2), training=True) if log_det else (block(x, training=True), x)
            )
            loss = tf.reduce_sum(tf.sin(y)) + tf.reduce_sum(nats**2)
        return loss, tape.gradient(loss, [x, *weights])

    definition = gradients.get_concrete_function().graph.as_graph_def()
    return *gradients(), _count(definition.node, {one.signature.name: one for one in definition.library.function})


def _count(nodes, functions):
    """Products in nodes and in all that they call."""
    called = [functions[node.attr["f"].func.name] for node in nodes if node.op.endswith("PartitionedCall")]
    return sum(node.op in ("Conv2D", "MatMul") for node in nodes) + sum(_count(f.node_def, functions) for f in called)


@pytest.mark.parametrize("log_det", [True, False])
@pytest.mark.parametrize(
    ("branch", "estimator", "shape"),
    [
        (lambda: ConvBranch(6, dropout=0.3, seed=1, dtype="float64"), SeriesLogDet(4, 2), (3, 5, 5, 2)),
        (lambda: DenseBranch((7, 7), activation="lipswish", dtype="float64"), ExactLogDet(), (4, 2)),
        (lambda: DenseBranch((8,), activation="maxmin", dtype="float64"), SeriesLogDet(5), (4, 6)),
    ],
)
@pytest.mark.sweep(3)
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


def test_blocks_of_one_form_share_their_functions_and_nothing_else():
    x = tf.random.stateless_normal((3, 6), (5, 6), dtype="float64")
    kernels = [0.2 * tf.random.stateless_normal((6, 6), (1, i), dtype="float64") for i in range(3)]

    def gradients(remat):
        @tf.function(autograph=False)
        def of_all(x, kernels):
            with tf.GradientTape() as tape:
                tape.watch([x, kernels])
                loss, y = 0.0, x
                for i, kernel in enumerate(kernels):
                    g = Composition([Dense(kernel), Mask(0.4, tf.constant([7, i]))])
                    seed = tf.constant([3, i])
                    estimator = SeriesLogDet(3)
                    value, nats = recomputed(estimator, g, y, seed) if remat else estimator(g, y, seed)
                    y = y + value
                    loss += tf.reduce_sum(nats * tf.range(1.0, 4.0, dtype="float64"))
                loss += tf.reduce_sum(tf.sin(y))
            return loss, tape.gradient(loss, [x, *kernels])

        library = of_all.get_concrete_function(x, kernels).graph.as_graph_def().library
        return *of_all(x, kernels), len(library.function)

    loss, plain, _ = gradients(False)
    again, others, functions = gradients(True)
    assert functions == 2
    np.testing.assert_allclose(again, loss, rtol=1e-12)
    for one, other in zip(plain, others, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-12)


def test_what_is_drawn_differs_between_replicas(monkeypatch):
    x, g = tf.ones((6, 5)), Mask(0.5, tf.constant([1, 2]))
    whole = g(x).numpy()
    parts = []
    for index in range(2):
        context = types.SimpleNamespace(num_replicas_in_sync=2, replica_id_in_sync_group=tf.constant(index))
        monkeypatch.setattr(tf.distribute, "get_replica_context", lambda context=context: context)
        parts.append(recomputed(operator.call, g, x[:3]).numpy())
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert (parts[0] != parts[1]).any()


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
