"""Priors that a user brings: subclasses, objects, and what is refused."""

import types

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain


@keras.saving.register_keras_serializable(package="test")
class Laplace(ki.priors.Prior):
    """What a user writes for a prior with a weight of its own."""

    def build(self, input_shape):
        super().build(input_shape)
        self.log_scale = self.add_weight(name="log_scale", shape=(self.dimension,), initializer="zeros")

    def log_prob(self, z):
        return -tf.reduce_sum(abs(z) * tf.exp(-self.log_scale) + self.log_scale + np.log(2.0), -1)

    def sample(self, n, seed, temperature=1.0):
        u = tf.random.stateless_uniform((n, self.dimension), seed, -1.0, 1.0)
        return -temperature * tf.exp(self.log_scale) * tf.sign(u) * tf.math.log1p(-abs(u))


@keras.saving.register_keras_serializable(package="test")
class PlainLaplace:
    """The same as an object that knows nothing of Keras but how it is saved."""

    def log_prob(self, z):
        return -tf.reduce_sum(abs(z) + np.log(2.0), -1)

    def sample(self, n, seed, temperature):
        u = tf.random.stateless_uniform((n, 2), seed, -1.0, 1.0)
        return -temperature * tf.sign(u) * tf.math.log1p(-abs(u))

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def flow_with(prior):
    return ki.Flow(Chain([ActNorm()]), (2,), prior=prior, seed=0)


def points(count=400):
    return np.random.default_rng(0).laplace(size=(count, 2)).astype("float32")


@pytest.mark.parametrize("make", [Laplace, PlainLaplace])
def test_flow_with_a_prior_of_ones_own_is_fitted_saved_loaded_and_drawn_from(make, tmp_path):
    flow = flow_with(make())
    flow.compile(keras.optimizers.Adam(0.01))
    flow.fit(points(), epochs=1, verbose=0)
    z = flow.forward(points(5)).numpy()
    log_det = flow.forward_and_log_det(points(5))[1]
    scale = np.exp(flow.prior.log_scale.numpy()) if make is Laplace else np.ones(2)
    if make is Laplace:
        assert np.abs(flow.prior.log_scale.numpy()).min() > 0  # it was trained along
    np.testing.assert_allclose(
        flow.log_prob(points(5)), scipy.stats.laplace(0, scale).logpdf(z).sum(-1) + log_det, rtol=1e-4
    )
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_allclose(loaded.log_prob(points(5)), flow.log_prob(points(5)), rtol=1e-6)
    np.testing.assert_array_equal(loaded.sample(6, seed=3), flow.sample(6, seed=3))
    np.testing.assert_allclose(flow.distribution.log_prob(points(5)), flow.log_prob(points(5)), rtol=1e-5)
    assert flow.distribution.sample(3, seed=(1, 2)).shape == (3, 2)


def test_moments_of_a_prior_without_them_are_missed_by_name():
    with pytest.raises(NotImplementedError, match="Laplace has no `moments`"):
        flow_with(Laplace()).prior.moments()
    with pytest.raises(NotImplementedError, match="ObjectPrior has no `moments`"):
        flow_with(PlainLaplace()).prior.moments()


def test_methods_of_an_object_are_used_where_it_has_them():
    seen = []
    thing = types.SimpleNamespace(
        log_prob=lambda z: tf.zeros(len(z)),
        sample=lambda n, seed, temperature: tf.zeros((n, 2)),
        initialize=lambda z: seen.append(tuple(z.shape)),
        moments=lambda: ("mean", "deviation"),
    )
    flow = flow_with(thing)
    flow.initialize(points(30))
    assert seen == [(30, 2)]
    assert flow.prior.moments() == ("mean", "deviation")


def test_weights_of_a_keras_layer_are_trained():
    @keras.saving.register_keras_serializable(package="test")
    class Shifted(keras.layers.Layer):
        def build(self, shape):
            self.shift = self.add_weight(name="shift", shape=shape[-1:], initializer="ones")

        def log_prob(self, z):
            return -0.5 * tf.reduce_sum((z - self.shift) ** 2, -1)

        def sample(self, n, seed, temperature):
            return self.shift + temperature * tf.random.stateless_normal((n, 2), seed)

    flow = flow_with(Shifted())
    assert any(weight is flow.prior.thing.shift for weight in flow.trainable_weights)


@pytest.mark.parametrize("given", [3, "normal", types.SimpleNamespace(log_prob=print), PlainLaplace])
def test_what_is_no_prior_is_refused(given):
    with pytest.raises(ValueError, match=r"`prior` must be a `keras_iresnet\.priors\.Prior`, a distribution of TFP"):
        flow_with(given)


def test_an_object_that_cannot_be_saved_says_so(tmp_path):
    flow = flow_with(types.SimpleNamespace(log_prob=lambda z: z[:, 0], sample=lambda *_: None))
    with pytest.raises(TypeError, match="A prior must have a `get_config`"):
        flow.save(tmp_path / "flow.keras")


def test_a_prior_of_other_dimensions_is_refused():
    prior = ki.priors.DiagonalNormal()
    prior.build((None, 3))
    with pytest.raises(ValueError, match=r"`prior` must be one of 2 dimensions\. Received: a prior of 3"):
        flow_with(prior)
