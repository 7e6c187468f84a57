import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import InvertibleCase

import keras_iresnet as ki
from keras_iresnet.layers import ConvBranch, DenseBranch, MonotoneBlock


class TestBlockOfConvolutions(InvertibleCase):
    input_shape = (3, 2, 2)

    def make(self, **kwargs):
        return MonotoneBlock(ConvBranch(4), estimator=ki.SeriesLogDet(3, 2), **kwargs)


@pytest.mark.slow
class TestBlockOfDenseLayers(InvertibleCase):
    under_xla = False  # see the convolutions

    def make(self, **kwargs):
        return MonotoneBlock(DenseBranch((5, 5)), estimator=ki.RouletteLogDet(), max_steps=500, **kwargs)


def block_64(coeff=0.97, **kwargs):
    keras.config.set_dtype_policy("float64")
    block = MonotoneBlock(DenseBranch((6,), coeff=coeff), **kwargs)
    block.build((None, 4))
    return oracles.leave_identity(block)


def test_it_is_monotone_and_stretches_more_than_a_residual_block():
    block, x = block_64(), tf.constant(np.random.default_rng(0).normal(size=(6, 4)))
    w = x + block(x)
    np.testing.assert_allclose(w + block.branch(w), 2 * x, atol=1e-12)
    values = np.linalg.svd(oracles.jacobian(block, x), compute_uv=False)
    lip = 0.97**2
    assert values.max() <= (1 + lip) / (1 - lip)
    assert values.min() >= (1 - lip) / (1 + lip)
    assert max(values.max(), 1 / values.min()) > 2
    symmetric = oracles.jacobian(block, x).numpy()
    assert np.linalg.eigvalsh(symmetric + np.swapaxes(symmetric, 1, 2)).min() > 0


@pytest.mark.parametrize("remat", [False, True])
@pytest.mark.sweep(2)
def test_gradients_are_those_of_differences(remat):
    block, x = block_64(0.9, estimator=ki.ExactLogDet(), remat=remat), tf.constant([[0.3, -0.5, 1.0, 0.2]], tf.float64)

    @tf.function(autograph=False)
    def scalar(x):
        y, log_det = block.forward_and_log_det(x)
        back, _, inverse_log_det = block._inverse_and_log_det(2 * x, ki.layers.Carried())
        return (
            tf.reduce_sum(y**2) + tf.reduce_sum(log_det) + tf.reduce_sum(back**3) + 2 * tf.reduce_sum(inverse_log_det)
        )

    with tf.GradientTape() as tape:
        tape.watch(x)
        total = scalar(x)
    weights = block.trainable_weights
    *by_weights, by_x = tape.gradient(total, [*(weight.value for weight in weights), x])
    for weight, gradient in zip(weights, by_weights, strict=True):
        start = weight.numpy()

        def moved(value, weight=weight):
            weight.assign(value)
            for spectral in block.branch.spectral_layers:
                oracles.settle_vector(spectral)  # sigma is that of the kernel as it is now
            return scalar(x)

        expected = oracles.difference_gradient(moved, start)
        moved(start)
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(gradient, expected, atol=1e-5)
    expected = oracles.difference_gradient(lambda value: scalar(tf.constant(value)), x.numpy())
    np.testing.assert_allclose(by_x, expected, atol=1e-5)


@pytest.mark.parametrize("estimator", [ki.RouletteLogDet(num_probes=20), ki.SeriesLogDet(60, 20)])
@pytest.mark.sweep(2)
def test_estimates_have_the_mean_of_the_log_det(estimator):
    block, x = block_64(0.9), tf.constant(np.random.default_rng(0).normal(size=(1, 4)))
    expected = oracles.log_abs_det(oracles.jacobian(block, x))
    assert abs(expected[0]) > 0.3
    _, nats = block.forward_and_log_det(tf.repeat(x, 4000, 0), seed=(3, 4), estimator=ki.SeriesLogDet(60))
    oracles.assert_mean(nats, expected[0])
    run = tf.function(lambda seed: block.forward_and_log_det(x, seed, estimator=estimator)[1])
    oracles.assert_mean(np.concatenate([run(tf.constant([seed, 3])) for seed in range(400)]), expected[0])


def test_log_det_of_the_inverse_has_the_other_sign():
    block, x = block_64(), tf.constant(np.random.default_rng(0).normal(size=(5, 4)))
    carried = ki.layers.Carried(estimator=ki.ExactLogDet())
    y, log_det = block.forward_and_log_det(x, estimator=ki.ExactLogDet())
    back, report, inverse_log_det = block._inverse_and_log_det(y, carried)
    assert report.converged.numpy().all()
    np.testing.assert_allclose(back, x, atol=1e-11)
    np.testing.assert_allclose(inverse_log_det, -log_det, rtol=1e-9)


def test_solves_that_fail_are_an_error():
    block = MonotoneBlock(DenseBranch((4,)), max_steps=2)
    with pytest.raises(ki.NotConvergedError, match="did not"):
        block(tf.random.normal((3, 2), seed=1))


def test_it_trains_in_a_flow_in_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    flow = ki.Flow(ki.layers.Chain([ki.layers.ActNorm(), MonotoneBlock(DenseBranch((16,)))]), (2,))
    points = np.random.default_rng(0).normal(size=(200, 2)).astype("float32") ** 3
    flow.compile(keras.optimizers.Adam(0.01))
    history = flow.fit(points, batch_size=50, epochs=4, verbose=0).history["nats"]
    assert history[-1] < history[0]
    assert float(flow.layer.layers[1].failures) == 0
