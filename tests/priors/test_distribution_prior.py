"""Distributions of TensorFlow Probability as priors."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain
from keras_iresnet.priors.distribution_prior import DistributionPrior, describe, restore

tfd = tfp.distributions

GIVEN = {
    "diagonal": lambda: tfd.MultivariateNormalDiag([1.0, -2.0], [0.5, 3.0]),
    "full": lambda: tfd.MultivariateNormalTriL([0.0, 1.0], [[1.0, 0.0], [0.7, 0.5]]),
    "student": lambda: tfd.Sample(tfd.StudentT(4.0, 0.0, 1.0), 2),
    "independent": lambda: tfd.Independent(tfd.Normal([0.0, 3.0], 1.0), 1),
    "mixture": lambda: tfd.MixtureSameFamily(
        tfd.Categorical(probs=[0.3, 0.7]), tfd.MultivariateNormalDiag([[-3.0, 0.0], [3.0, 0.0]], [1.0, 1.0])
    ),
    "float64": lambda: tfd.MultivariateNormalDiag(np.array([1.0, -2.0])),
}


def flow_with(prior):
    return ki.Flow(Chain([ActNorm()]), (2,), prior=prior, seed=0)


def points(count=100):
    return (3 * np.random.default_rng(0).normal(size=(count, 2)) + 1).astype("float32")


@pytest.mark.parametrize("name", GIVEN)
def test_flow_with_it_has_its_density_and_is_fitted_saved_loaded_and_drawn_from(name, tmp_path):
    given = GIVEN[name]()
    flow = flow_with(given)
    flow.compile("adam")
    flow.fit(points(), epochs=1, verbose=0)
    z = tf.cast(flow.forward(points(7)), given.dtype)
    log_det = flow.forward_and_log_det(points(7))[1]
    expected = given.log_prob(z).numpy() + log_det.numpy()
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(flow.log_prob(points(7)), expected, rtol=1e-5)
    if given.dtype == tf.float32:
        assert flow.distribution.distribution is given
    np.testing.assert_allclose(flow.distribution.log_prob(points(7)), expected, rtol=1e-5)
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_allclose(loaded.log_prob(points(7)), flow.log_prob(points(7)), rtol=1e-6)
    np.testing.assert_array_equal(loaded.sample(5, seed=1), flow.sample(5, seed=1))


def test_moments_and_temperature_are_those_of_the_distribution():
    prior = flow_with(GIVEN["diagonal"]()).prior
    np.testing.assert_allclose(np.stack(prior.moments()), [[1, -2], [0.5, 3]], rtol=1e-6)
    warm, cold = (prior.sample(4, tf.constant([1, 2]), temperature).numpy() for temperature in (1.0, 0.0))
    np.testing.assert_allclose(cold, np.tile([1.0, -2.0], (4, 1)), rtol=1e-6)
    half = prior.sample(4, tf.constant([1, 2]), 0.5).numpy()
    np.testing.assert_allclose(half - cold, 0.5 * (warm - cold), atol=1e-6)


def test_a_distribution_with_variables_is_refused():
    given = tfd.MultivariateNormalDiag(tf.Variable([0.0, 0.0], name="mean"))
    with pytest.raises(ValueError, match=r"must be a fixed one to be a prior.*mean"):
        flow_with(given)


@pytest.mark.parametrize(
    "given", [tfd.Normal([0.0, 0.0], 1.0), tfd.MultivariateNormalDiag(tf.zeros(3)), tfd.Normal(0.0, 1.0)]
)
def test_other_events_are_refused(given):
    with pytest.raises(ValueError, match=r"`prior` must be a distribution over events \(2,\), without a batch"):
        flow_with(given)


def test_what_is_more_than_numbers_is_not_saved(tmp_path):
    given = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros(2)), tfp.bijectors.Exp())
    with pytest.raises(TypeError, match="must be made of numbers and distributions"):
        flow_with(given).save(tmp_path / "flow.keras")


@pytest.mark.parametrize("name", ["os", "Distribution.__class__", "nothing", "mvn_diag", "__builtins__"])
def test_a_file_names_nothing_but_distributions(name):
    with pytest.raises(ValueError, match="TFP must have the distribution"):
        restore({"distribution": name, "parameters": {}})


@pytest.mark.parametrize("name", GIVEN)
def test_description_is_json_and_gives_the_distribution_back(name):
    given = GIVEN[name]()
    again = restore(json.loads(json.dumps(describe(given))))
    z = tf.constant(points(5), given.dtype)
    np.testing.assert_array_equal(again.log_prob(z), given.log_prob(z))
    assert again.dtype == given.dtype
    assert json.dumps(DistributionPrior(given).get_config())
