import numpy as np
import pytest
import tensorflow as tf
from layer_case import InvertibleCase

from keras_iresnet.layers import Logit


class TestLogit(InvertibleCase):
    input_shape = (3, 2)

    def make(self, **kwargs):
        return Logit(**kwargs)

    def data(self, dtype="float64", batch=3, seed=0):
        x = np.random.default_rng(seed).uniform(0.02, 0.98, (batch, *self.input_shape))
        return tf.constant(x, dtype)


def test_edges_of_the_data_space_are_mapped_to_finite_opposites():
    layer = Logit(1e-6)
    y, log_det = layer.forward_and_log_det(tf.constant([[0.0], [1.0]], tf.float32))
    np.testing.assert_allclose(y[:, 0], [np.log(1e-6), -np.log(1e-6)], rtol=1e-6)
    np.testing.assert_allclose(log_det, np.full(2, -np.log(1e-6)), rtol=1e-6)


def test_any_latent_falls_into_the_interval_that_alpha_allows():
    layer = Logit(0.05)
    layer.build((None, 3))
    x = layer.inverse(tf.constant([[-100.0, 0.0, 100.0]]))
    np.testing.assert_allclose(x, [[-0.05 / 0.9, 0.5, 1 + 0.05 / 0.9]], rtol=1e-6)


@pytest.mark.parametrize("outside", [-0.25, 1.25, 255.0])
def test_points_outside_the_data_space_are_refused(outside):
    layer = Logit()
    x = tf.constant([[0.5, 0.125], [0.75, outside]])
    low, high = min(0.125, outside), max(0.75, outside)
    with pytest.raises(ValueError, match=f"x must lie in it. Received: {low} to {high}"):
        layer.forward_and_log_det(x)
    with pytest.raises(tf.errors.InvalidArgumentError, match="x must lie in it"):
        tf.function(layer.forward_and_log_det)(x)


@pytest.mark.parametrize("alpha", [0, 0.5, -1e-6, float("nan")])
def test_alpha_outside_its_interval_is_refused(alpha):
    with pytest.raises(ValueError, match=rf"`alpha` must lie in \(0, 0.5\). Received: alpha={alpha}"):
        Logit(alpha)
