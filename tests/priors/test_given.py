"""What a user may hand to a flow: refusals, and plain objects with the methods of a prior."""

import sys
import types

import keras
import numpy as np
import pytest
import small_flows
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain
from keras_iresnet.priors import as_prior


class Logistic:
    """Standard logistic latents: no Keras layer, and no configuration."""

    def __init__(self, dimension):
        self.dimension = dimension

    def log_prob(self, z):
        return -tf.reduce_sum(z + 2 * tf.math.softplus(-z), -1)

    def sample(self, n, seed, temperature):
        u = tf.random.stateless_uniform((n, self.dimension), seed, 1e-6, 1 - 1e-6)
        return temperature * tf.math.log(u / (1 - u))


@keras.saving.register_keras_serializable(package="test_given")
class SavedLogistic(Logistic):
    def get_config(self):
        return {"dimension": self.dimension}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="test_given")
class Shifted(keras.layers.Layer):
    """A Keras layer that is no `Prior`."""

    def build(self, input_shape):
        self.loc = self.add_weight(name="loc", shape=(input_shape[-1],), initializer="zeros")

    def log_prob(self, z):
        return -0.5 * tf.reduce_sum(tf.square(z - self.loc) + np.log(2 * np.pi), -1)

    def sample(self, n, seed, temperature):
        return self.loc + temperature * tf.random.stateless_normal((n, self.loc.shape[0]), seed)


class Full(Logistic):
    wanted_examples, least_examples = 5000, 7

    def initialize(self, z):
        self.seen = len(z)

    def moments(self):
        return tf.fill([self.dimension], 3.0), tf.ones(self.dimension)

    def distribution(self):
        return "its own"


def flow_of(prior):
    return ki.Flow(Chain([ActNorm()]), (2,), prior=prior, seed=0)


def test_a_plain_object_is_trained_around_and_sampled():
    flow, points = flow_of(Logistic(2)), small_flows.points(200)
    flow.compile("adam")
    flow.fit(points, verbose=0)
    z = flow.forward(points)
    log_det = flow.forward_and_log_det(points)[1]
    np.testing.assert_allclose(flow.log_prob(points), flow.prior.thing.log_prob(z) + log_det, rtol=1e-5)
    assert flow.sample(3, seed=1).shape == (3, 2)
    np.testing.assert_allclose(flow.distribution.log_prob(points), flow.log_prob(points), rtol=1e-5)


def test_a_plain_object_that_keras_can_save_is_saved(tmp_path):
    flow, points = flow_of(SavedLogistic(2)), small_flows.points(50)
    flow.initialize(points)
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    assert type(loaded.prior.thing) is SavedLogistic
    np.testing.assert_array_equal(loaded.log_prob(points), flow.log_prob(points))
    np.testing.assert_array_equal(loaded.sample(3, seed=1), flow.sample(3, seed=1))


def test_a_plain_object_without_a_config_is_not_saved(tmp_path):
    with pytest.raises(TypeError, match=r"must have a `get_config`.*Received: prior=<.*Logistic"):
        flow_of(Logistic(2)).save(tmp_path / "flow.keras")


def test_a_layer_is_trained_and_saved(tmp_path):
    flow, points = flow_of(Shifted()), small_flows.points(200)
    flow.compile("adam")
    flow.fit(points, verbose=0)
    loc = flow.prior.thing.loc.numpy()
    assert np.abs(loc).min() > 0
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_array_equal(loaded.prior.thing.loc.numpy(), loc)
    np.testing.assert_array_equal(loaded.log_prob(points), flow.log_prob(points))


def test_every_method_that_an_object_has_is_used():
    flow = flow_of(Full(2))
    assert flow.initialization_examples == 5000
    with pytest.raises(ValueError, match="at least 7 examples"):
        flow.initialize(small_flows.points(6))
    flow.initialize(small_flows.points(9))
    assert flow.prior.thing.seen == 9
    np.testing.assert_array_equal(flow.prior.moments()[0], [3, 3])
    assert flow.prior.distribution() == "its own"


def test_what_an_object_lacks_beyond_the_two_is_that_of_the_base():
    prior = flow_of(Logistic(2)).prior
    assert (prior.least_examples, prior.wanted_examples) == (1, 1)
    with pytest.raises(NotImplementedError, match="has no `moments`"):
        prior.moments()


@pytest.mark.parametrize(
    "given",
    [
        3,
        "normal",
        object(),
        Logistic,
        types.SimpleNamespace(log_prob=len),
        types.SimpleNamespace(log_prob=len, sample=3),
    ],
)
def test_what_is_no_prior_is_refused_before_the_layer_is_built(given):
    layer = Chain([ActNorm()])
    with pytest.raises(ValueError, match=r"`prior` must be a `keras_iresnet.priors.Prior`.*Received: prior="):
        ki.Flow(layer, (2,), prior=given)
    assert not layer.built


def test_none_is_the_diagonal_normal_and_a_prior_itself():
    assert type(as_prior(None)) is ki.priors.DiagonalNormal
    prior = ki.priors.NormalMixture(2)
    assert as_prior(prior) is prior


def test_no_flow_imports_tfp_before_a_distribution_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_probability", None)  # importing it raises
    monkeypatch.delitem(sys.modules, "keras_iresnet.priors.tfp_view", raising=False)
    for prior in (None, ki.priors.FactorAnalyzers(2, 1), Logistic(2)):
        flow = flow_of(prior)
        flow.initialize(small_flows.points(40))
        assert np.all(np.isfinite(flow.log_prob(flow.sample(2, seed=0))))
        with pytest.raises(ImportError):
            flow.prior.distribution()
