"""Priors of several Gaussians: density, samples, start."""

import json

import keras
import numpy as np
import oracles
import pytest
import scipy.special
import scipy.stats
import small_flows
import tensorflow as tf
from prior_case import PriorCase

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain
from keras_iresnet.priors import DiagonalNormal, FactorAnalyzers, NormalMixture

LOC = np.array([[-3.0, 0.0], [2.0, 1.0], [2.5, -4.0]])
SCALE = np.array([0.5, 1.3])
SHARE = np.array([0.2, 0.5, 0.3])


class TestNormalMixture(PriorCase):
    def make(self, **kwargs):
        return NormalMixture(4, **kwargs)

    def oracle(self, prior, z):
        loc, scale = prior.loc.numpy(), np.exp(prior.log_scale.numpy())
        each = np.stack([scipy.stats.norm(one, scale).logpdf(z).sum(-1) for one in loc], -1)
        return scipy.special.logsumexp(each + scipy.special.log_softmax(prior.logits.numpy()), -1)


class TestNormalMixtureOfOne(PriorCase):
    """It has neither an axis of components nor shares."""

    def make(self, **kwargs):
        return NormalMixture(1, **kwargs)

    def oracle(self, prior, z):
        assert [weight.name for weight in prior.weights] == ["loc", "log_scale"]
        return scipy.stats.norm(prior.loc.numpy(), np.exp(prior.log_scale.numpy())).logpdf(z).sum(-1)


@pytest.fixture
def mixture():
    """The prior alone, as a float64 flow over points: three Gaussians of one scale."""
    flow = small_flows.in_precision("float64", lambda: ki.Flow(Chain([]), (2,), prior=NormalMixture(3), seed=0))
    flow.prior.loc.assign(LOC)
    flow.prior.log_scale.assign(np.log(SCALE))
    flow.prior.logits.assign(np.log(SHARE) + 5)  # what they have in common has no effect
    return flow


def oracle_log_prob(z):
    each = [scipy.stats.norm(loc, SCALE).logpdf(z).sum(-1) for loc in LOC]
    return scipy.special.logsumexp(np.stack(each, -1), axis=-1, b=SHARE)


def clouds(count, seed=0):
    """Points (count, 2) of three clouds, and the cloud of each."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, count, p=SHARE)
    return (10 * LOC[kind] + rng.normal(size=(count, 2))).astype("float32"), kind


def test_density_is_that_of_the_mixture(mixture):
    z = np.random.default_rng(0).normal(size=(50, 2)) * 4
    expected = oracle_log_prob(z)
    assert np.ptp(expected) > 20
    np.testing.assert_allclose(mixture.log_prob(z), expected, rtol=1e-12)
    np.testing.assert_allclose(mixture.distribution.log_prob(z), expected, rtol=1e-12)


def test_density_of_a_flow_is_prior_plus_slogdet():
    flow = small_flows.in_precision("float64", lambda: small_flows.point_flow(prior=NormalMixture(3), seed=0))
    oracles.leave_identity(flow)
    for weight, value in ((flow.prior.loc, LOC), (flow.prior.log_scale, np.log(SCALE))):
        weight.assign(value)
    flow.prior.logits.assign(np.log(SHARE))
    x = tf.constant(np.random.default_rng(0).normal(size=(20, 2)))
    log_det = oracles.log_abs_det(oracles.jacobian(flow.forward, x))
    np.testing.assert_allclose(flow(x), oracle_log_prob(flow.forward(x).numpy()) + log_det, rtol=1e-9)


def test_samples_are_those_of_the_mixture(mixture):
    samples = mixture.sample(20_000, seed=1).numpy()

    def features(z):
        a, b = z.T
        return np.stack([a, b, a**2, b**2, a * b, a < -1, b < -2, np.sin(a * b)], -1)

    side = np.linspace(-14, 14, 1401)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    weights = np.exp(oracle_log_prob(grid))
    assert weights.sum() * (side[1] - side[0]) ** 2 == pytest.approx(1, abs=1e-6)
    oracles.assert_mean(features(samples), weights @ features(grid) / weights.sum())


def test_moments_are_those_of_the_mixture(mixture):
    mean, deviation = mixture.prior.moments()
    expected = SHARE @ LOC
    np.testing.assert_allclose(mean, expected, rtol=1e-12)
    np.testing.assert_allclose(deviation, np.sqrt(SHARE @ (SCALE**2 + LOC**2) - expected**2), rtol=1e-12)


def test_temperature_leaves_the_components_where_they_are(mixture):
    cold = mixture.sample(500, seed=1, temperature=0.0).numpy()
    shares = [np.mean(np.all(np.isclose(cold, loc), -1)) for loc in LOC]
    assert sum(shares) == 1
    np.testing.assert_allclose(shares, SHARE, atol=0.09)  # four standard errors
    half, warm = (mixture.sample(500, seed=1, temperature=t).numpy() - cold for t in (0.5, 1.0))
    np.testing.assert_allclose(half, 0.5 * warm, atol=1e-12)


def test_seed_decides_the_samples(mixture):
    first, again, other = (mixture.sample(8, seed=seed).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).min() > 1e-6


def _clouds_flow(prior=None):
    flow = ki.Flow(Chain([ActNorm()]), (2,), prior=prior or NormalMixture(3), seed=0)
    flow.initialize(clouds(900)[0])
    return flow


def test_components_begin_as_the_clusters_of_the_latents():
    points, kind = clouds(900)
    flow = _clouds_flow()
    centres = flow.inverse(flow.prior.loc.numpy()).numpy()
    order = [int(np.argmin(np.linalg.norm(centres - 10 * loc, axis=1))) for loc in LOC]
    assert sorted(order) == [0, 1, 2]
    # The clouds are far apart, so each cluster is one of them, and what k-means finds are their own moments.
    own = np.stack([points[kind == k].mean(0) for k in range(3)])
    np.testing.assert_allclose(centres[order], own, atol=1e-3)
    shares = np.bincount(kind) / len(kind)
    np.testing.assert_allclose(tf.nn.softmax(flow.prior.logits).numpy()[order], shares, rtol=1e-5)
    z = flow.forward(points).numpy()
    within = np.stack([z[kind == k].var(0, ddof=1) * (np.sum(kind == k) - 1) for k in range(3)]).sum(0) / (900 - 3)
    np.testing.assert_allclose(np.exp(flow.prior.log_scale.numpy()), np.sqrt(within), rtol=1e-4)


def test_it_begins_near_the_density_of_the_clouds():
    points, _ = clouds(2000, 2)
    density = scipy.special.logsumexp(
        np.stack([scipy.stats.norm(10 * loc, 1).logpdf(points).sum(-1) for loc in LOC], -1), axis=-1, b=SHARE
    ).mean()
    assert _clouds_flow().log_prob(points).numpy().mean() == pytest.approx(density, abs=0.02)
    assert _clouds_flow(DiagonalNormal()).log_prob(points).numpy().mean() < density - 1


def test_fit_initialises_from_enough_examples_for_the_components():
    assert ki.Flow(Chain([]), (2,)).initialization_examples == 1024
    flow = ki.Flow(Chain([ActNorm()]), (2,), prior=NormalMixture(110), seed=0)
    flow.compile("adam")
    flow.fit(clouds(9000)[0], batch_size=500, epochs=1, verbose=0)
    assert flow.initialized
    assert flow.initialization_examples == 8800
    assert ki.Flow(Chain([]), (2,), prior=FactorAnalyzers(10, 1)).initialization_examples == 2400


@pytest.mark.parametrize("factors", [0, 3])
@pytest.mark.sweep(2)
def test_it_is_saved_and_served(factors, tmp_path):
    flow = small_flows.image_flow(prior=FactorAnalyzers(4, factors) if factors else NormalMixture(4), seed=0)
    images = small_flows.images(40)
    flow.initialize(images)
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    assert json.loads(json.dumps(loaded.get_config()))["prior"]["config"]["components"] == 4
    assert getattr(loaded.prior, "factors", 0) == factors
    np.testing.assert_allclose(loaded.log_prob(images, seed=1), flow.log_prob(images, seed=1), rtol=1e-6)
    np.testing.assert_allclose(loaded.sample(5, seed=1), flow.sample(5, seed=1), rtol=1e-6)
    flow.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served").signatures["sample"]
    samples = served(n=tf.constant(5), seed=tf.constant(1))["output_0"]
    np.testing.assert_allclose(samples, flow.sample(5, seed=1), rtol=1e-5)


def test_distribution_trains_and_samples_it(mixture):
    distribution = mixture.distribution
    assert {"loc", "log_scale", "logits"} <= {
        variable.name.partition(":")[0].rpartition("/")[2] for variable in distribution.trainable_variables
    }
    mean, deviation = mixture.prior.moments()
    samples = distribution.sample(20_000, seed=3).numpy()
    np.testing.assert_allclose(samples.mean(0), mean, atol=4 * deviation.numpy().max() / np.sqrt(20_000))


@pytest.mark.parametrize("count", [0, -1, 1.5, True, None])
def test_what_is_no_number_of_components_is_refused(count):
    with pytest.raises(ValueError, match="`components` must be an integer of at least 1"):
        NormalMixture(count)


def test_too_few_examples_for_the_components_are_refused_before_anything_is_set():
    flow = ki.Flow(Chain([ActNorm()]), (2,), prior=NormalMixture(3), seed=0)
    with pytest.raises(ValueError, match=r"at least 30 examples for this prior, NormalMixture\. Received: 29 examples"):
        flow.initialize(clouds(29)[0])
    assert not flow.initialized
    np.testing.assert_array_equal(flow.prior.loc.numpy(), 0)
