import numpy as np
import oracles
import tensorflow as tf
from bijector_case import EXACT, data, view

import keras_iresnet as ki
from keras_iresnet.layers import ConvBranch, InvertibleLayer, InvertibleResidualBlock


class Shifted(InvertibleLayer):
    """A conditional layer of a user's own, which says nowhere how long its conditions are."""

    def _forward(self, x, carried):
        return x + carried.condition, 0.0

    def _inverse(self, y, carried):
        return y - carried.condition, None


def is_consistent(bijector, x, estimator=EXACT):
    """Bijectivity, finiteness and log-dets against a dense Jacobian; every call sees a tensor that no cache knows."""
    exact = bijector.copy(estimator=estimator)
    y = exact.forward(x)
    assert np.all(np.isfinite(y))
    np.testing.assert_allclose(exact.inverse(tf.identity(y)), x, rtol=0, atol=1e-9)
    np.testing.assert_allclose(exact.forward(exact.inverse(tf.identity(y))), y, rtol=0, atol=1e-9)
    fldj, ildj = exact.forward_log_det_jacobian(tf.identity(x)), exact.inverse_log_det_jacobian(tf.identity(y))
    expected = oracles.log_abs_det(oracles.jacobian(exact.forward, x))
    assert np.abs(expected).min() > 0.2
    np.testing.assert_allclose(fldj, expected, rtol=1e-5)
    np.testing.assert_allclose(ildj, -fldj, rtol=1e-7)


def test_points(points):
    is_consistent(points, 2 * data(7, 2))


def test_images_in_several_scales(images):
    is_consistent(images, data(3, 4, 4, 1))


def test_latents_that_are_flattened():
    block = InvertibleResidualBlock(ConvBranch(6, dtype="float64"), dtype="float64")
    is_consistent(view(block, (2, 2, 2), flatten=True), data(3, 2, 2, 2))


def test_stochastic_log_det_has_the_exact_mean(images):
    x = data(1, 4, 4, 1)
    nats = images.forward_log_det_jacobian(tf.repeat(x, 1500, 0), seed=3)
    expected = oracles.log_abs_det(oracles.jacobian(images.forward, x))
    assert np.abs(expected) > 0.2
    assert np.std(nats) > 0.01
    oracles.assert_mean(nats.numpy()[:, None], expected)


def test_seed_fixes_the_probes_and_none_draws_new_ones(images):
    x = data(2, 4, 4, 1)

    def draw(bijector, **options):
        return bijector.forward_log_det_jacobian(tf.identity(x), **options).numpy()

    fixed = images.copy(seed=(5, 0))
    np.testing.assert_array_equal(draw(fixed), draw(images, seed=5))
    np.testing.assert_array_equal(draw(fixed), draw(fixed))
    assert np.all(draw(images) != draw(images))
    assert np.all(draw(images, seed=5) != draw(images, seed=6))


def test_a_flow_tells_how_long_conditions_are():
    flow = ki.Flow(Shifted(), (2,), prior=ki.priors.StandardNormal(), condition_size=2)
    x, condition = np.float32([[1, 2], [3, 4]]), np.float32([[10, 20], [30, 40]])
    np.testing.assert_array_equal(flow.bijector.forward(x, condition=condition), x + condition)
    np.testing.assert_array_equal(flow.bijector.inverse(x, condition=condition[0]), x - condition[0])
