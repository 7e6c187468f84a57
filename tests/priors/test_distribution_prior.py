"""Distributions of TensorFlow Probability as priors."""

import json

import keras
import numpy as np
import pytest
import small_flows
import tensorflow as tf
import tensorflow_probability as tfp

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain
from keras_iresnet.priors.distribution_prior import DistributionPrior, describe, restore

tfd = tfp.distributions


def _two(probs=(0.3, 0.7)):
    return tfd.Categorical(probs=np.array(probs, "float32"))


GIVEN = {
    "diagonal": lambda: tfd.MultivariateNormalDiag([1.0, -1.0], [0.5, 2.0]),
    "sample": lambda: tfd.Sample(tfd.StudentT(4.0, 0.0, 1.0), 2),
    "independent": lambda: tfd.Independent(tfd.Laplace(np.array([1, 2], "float32"), 1.0), 1),
    "matrix": lambda: tfd.MultivariateNormalTriL([0.0, 1.0], [[1.0, 0.0], [0.6, 0.8]]),
    "family": lambda: tfd.MixtureSameFamily(_two(), tfd.MultivariateNormalDiag([[-3.0, 0.0], [3.0, 1.0]], [1.0, 1.0])),
    "mixture": lambda: tfd.Mixture(
        _two(), [tfd.MultivariateNormalDiag([-3.0, 0.0], [1.0, 1.0]), tfd.Sample(tfd.StudentT(5.0, 1.0, 1.0), 2)]
    ),
    "blocks": lambda: tfd.Blockwise([tfd.Normal(0.0, 1.0), tfd.Gumbel(1.0, 2.0)]),
    "tuple": lambda: tfd.Sample(tfd.Normal(tf.constant(0.5), 2.0), sample_shape=(2,)),
    "of_none": lambda: tfd.Sample(tfd.MultivariateNormalDiag(tf.zeros(2)), sample_shape=()),
    "double": lambda: tfd.Sample(tfd.Normal(np.float64(0.5), np.float64(2)), 2),
}


def flow_of(given):
    return ki.Flow(Chain([ActNorm()]), (2,), prior=given, seed=0)


@pytest.mark.parametrize("case", GIVEN)
@pytest.mark.sweep(4)
def test_flow_is_fitted_sampled_saved_and_loaded(case, tmp_path):
    given, points = GIVEN[case](), small_flows.points(100)
    flow = flow_of(given)
    flow.compile("adam")
    flow.fit(points, verbose=0)
    z, log_det = flow.forward_and_log_det(points)
    density = given.log_prob(tf.cast(z, given.dtype)).numpy()
    assert np.ptp(density) > 0.5
    np.testing.assert_allclose(flow.log_prob(points), density + log_det.numpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(flow.distribution.log_prob(points), flow.log_prob(points), rtol=1e-4, atol=1e-5)
    samples = flow.sample(4, seed=1)
    assert (samples.shape, samples.dtype) == ((4, 2), "float32")
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    assert type(loaded.prior.given) is type(given)
    assert loaded.prior.given.dtype == given.dtype
    np.testing.assert_array_equal(loaded.log_prob(points), flow.log_prob(points))
    np.testing.assert_array_equal(loaded.sample(4, seed=1), samples)


def test_moments_and_temperature_are_about_the_mean():
    prior = flow_of(GIVEN["diagonal"]()).prior
    mean, deviation = prior.moments()
    np.testing.assert_allclose(mean, [1, -1])
    np.testing.assert_allclose(deviation, [0.5, 2])
    cold, half, warm = (prior.sample(9, tf.constant([1, 2]), temperature).numpy() for temperature in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(cold, np.tile([1.0, -1.0], (9, 1)))
    np.testing.assert_allclose(half - cold, 0.5 * (warm - cold), atol=1e-6)


def test_a_distribution_without_a_mean_is_sampled_at_temperature_1():
    flow = flow_of(tfd.Sample(tfd.Cauchy(0.0, 1.0), 2))
    assert np.all(np.isfinite(flow.sample(5, seed=0)))


def test_it_serves_a_flow_of_float64():
    flow = small_flows.in_precision("float64", lambda: flow_of(GIVEN["diagonal"]()))
    points = small_flows.points(20).astype("float64")
    assert flow.log_prob(points).dtype == flow.sample(2, seed=0).dtype == "float64"
    np.testing.assert_allclose(flow.distribution.log_prob(points), flow.log_prob(points), rtol=1e-5)


def test_a_distribution_with_variables_to_train_is_refused():
    with pytest.raises(ValueError, match=r"Subclass `keras_iresnet.priors.Prior`.*Received: SampleNormal with"):
        flow_of(tfd.Sample(tfd.Normal(tf.Variable(0.0), 1.0), 2))


@pytest.mark.parametrize(
    "given", [tfd.Normal(0.0, 1.0), tfd.Normal([0.0, 0.0], 1.0), tfd.Sample(tfd.Normal(0.0, 1.0), 3)]
)
def test_a_distribution_over_other_events_is_refused(given):
    with pytest.raises(ValueError, match=r"over events \(2,\), without a batch\. Received: "):
        flow_of(given)


class Normal(tfd.Normal):
    """A user's own, of the name of TFP's: read by name it would come back as that."""

    def _log_prob(self, x):
        return super()._log_prob(x) - 1.0


UNPLAIN = {
    "bijector": lambda: tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), 2), tfp.bijectors.Shift(1.0)),
    "scale": lambda: tfd.MultivariateNormalLinearOperator(tf.zeros(2), tf.linalg.LinearOperatorDiag(tf.ones(2))),
    "distribution": lambda: tfd.Sample(Normal(0.0, 1.0), 2),
}


@pytest.mark.parametrize("name", UNPLAIN)
def test_what_is_not_plain_is_used_and_not_saved(name, tmp_path):
    flow = flow_of(UNPLAIN[name]())
    assert np.all(np.isfinite(flow.log_prob(small_flows.points(5))))
    with pytest.raises(TypeError, match=rf"for its flow to be saved: subclass .*Received: {name}="):
        flow.save(tmp_path / "flow.keras")


def test_description_is_json_and_keeps_dtypes():
    for make in GIVEN.values():
        given = make()
        again = restore(json.loads(json.dumps(describe(given))))
        assert again.dtype == given.dtype
        assert describe(again) == json.loads(json.dumps(describe(given)))
    assert describe(GIVEN["double"]())["parameters"]["distribution"]["parameters"]["loc"]["dtype"] == "float64"


@pytest.mark.parametrize("name", ["JointNothing", "__builtins__", "kl_divergence", "os", "independent_joint"])
def test_a_file_can_name_distributions_of_tfp_alone(name):
    with pytest.raises(ValueError, match=rf"TFP must have the distribution\. Received: '{name}'"):
        DistributionPrior({"distribution": name, "parameters": {}})
