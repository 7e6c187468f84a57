"""Gaussians with wide directions of their own: density, samples, start, training."""

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
from keras_iresnet.priors import DiagonalNormal, FactorAnalyzers

SHARE = np.array([0.2, 0.5, 0.3])

_RNG = np.random.default_rng(7)
FACTORED_LOC, FACTORED_SCALE = _RNG.normal(size=(3, 4)) * 3, np.exp(_RNG.normal(size=4) / 2)
LOADINGS = _RNG.normal(size=(3, 4, 2)) * 3


class TestFactorAnalyzers(PriorCase):
    components = 3

    def make(self, **kwargs):
        return FactorAnalyzers(self.components, 2, **kwargs)

    def oracle(self, prior, z):
        scale, logits = np.diag(np.exp(prior.log_scale.numpy())), getattr(prior.logits, "numpy", lambda: np.zeros(1))()
        loadings = prior.loadings.numpy()
        covariances = scale @ (np.eye(self.dimension) + loadings @ loadings.swapaxes(1, 2) / self.dimension) @ scale
        loc = prior.loc.numpy().reshape(-1, self.dimension)
        pairs = zip(loc, covariances, strict=True)
        each = np.stack([scipy.stats.multivariate_normal(*pair).logpdf(z) for pair in pairs], -1)
        return scipy.special.logsumexp(each + scipy.special.log_softmax(logits), -1)


class TestFactorAnalyzer(TestFactorAnalyzers):
    """One component: factor analysis."""

    components = 1


def _factored(components):
    """A prior over 4 dimensions whose components are wider in two directions each."""
    flow = small_flows.in_precision(
        "float64", lambda: ki.Flow(Chain([]), (4,), prior=FactorAnalyzers(components, 2), seed=0)
    )
    flow.prior.loc.assign(FACTORED_LOC if components > 1 else FACTORED_LOC[0])
    flow.prior.log_scale.assign(np.log(FACTORED_SCALE))
    flow.prior.loadings.assign(LOADINGS[:components])
    if components > 1:
        flow.prior.logits.assign(np.log(SHARE))
    return flow


def _factored_covariance(component):
    wide = np.eye(4) + LOADINGS[component] @ LOADINGS[component].T / 4
    return np.diag(FACTORED_SCALE) @ wide @ np.diag(FACTORED_SCALE)


def _oracle_with_factors(z, components):
    each = [scipy.stats.multivariate_normal(FACTORED_LOC[k], _factored_covariance(k)) for k in range(components)]
    share = SHARE if components > 1 else [1.0]
    return scipy.special.logsumexp(np.stack([one.logpdf(z) for one in each], -1), axis=-1, b=share)


@pytest.mark.parametrize("components", [1, 3])
def test_density_with_factors_is_that_of_the_gaussians(components):
    flow = _factored(components)
    z = np.random.default_rng(0).normal(size=(50, 4)) * 4
    expected = _oracle_with_factors(z, components)
    assert np.ptp(expected) > 20
    # Wide enough that leaving them out, or the factor 1 / D, would show.
    flat = scipy.stats.multivariate_normal(FACTORED_LOC[0], np.diag(FACTORED_SCALE**2)).logpdf(z)
    assert np.abs(expected - flat).max() > 10
    np.testing.assert_allclose(flow.log_prob(z), expected, rtol=1e-12)
    np.testing.assert_allclose(flow.distribution.log_prob(z), expected, rtol=1e-10)


@pytest.mark.parametrize("of_tfp", [False, True])
@pytest.mark.parametrize("components", [1, 3])
def test_samples_with_factors_have_their_moments(components, of_tfp):
    flow = _factored(components)
    share = SHARE if components > 1 else np.array([1.0])
    mean = share @ FACTORED_LOC[:components]
    second = sum(
        share[k] * (_factored_covariance(k) + np.outer(FACTORED_LOC[k], FACTORED_LOC[k])) for k in range(components)
    )
    samples = (flow.distribution if of_tfp else flow).sample(20_000, seed=1).numpy()
    products = (samples[:, :, None] * samples[:, None]).reshape(-1, 16)
    oracles.assert_mean(np.concatenate([samples, products], 1), np.concatenate([mean, second.ravel()]))
    moments = flow.prior.moments()
    np.testing.assert_allclose(moments[0], mean, rtol=1e-12)
    np.testing.assert_allclose(moments[1], np.sqrt(np.diag(second) - mean**2), rtol=1e-12)


def test_temperature_narrows_factors_too():
    flow = _factored(3)
    cold, half, warm = (flow.sample(200, seed=1, temperature=t).numpy() for t in (0.0, 0.5, 1.0))
    assert {tuple(row) for row in cold.round(6)} == {tuple(row) for row in FACTORED_LOC.round(6)}
    np.testing.assert_allclose(half - cold, 0.5 * (warm - cold), atol=1e-12)


@pytest.mark.slow
def test_factors_begin_as_the_wide_directions_of_the_clusters():
    # Fewer points of a cluster than dimensions: noise alone gives sample eigenvalues up to (1 + sqrt(D / m))^2 = 6.
    rng, dimension, each = np.random.default_rng(0), 300, 140
    loc = 30 * rng.normal(size=(2, dimension))
    wide = np.linalg.qr(rng.normal(size=(2, dimension, 3)))[0]
    excess = np.array([60.0, 25.0, 0.0])  # the third is there to be found to be noise
    along = rng.normal(size=(2, each, 3)) * np.sqrt(excess)
    points = loc[:, None] + 0.3 * (rng.normal(size=(2, each, dimension)) + np.einsum("kdr,knr->knd", wide, along))
    flow = ki.Flow(Chain([]), (dimension,), prior=FactorAnalyzers(2, 3), seed=0)
    flow.initialize(points.reshape(-1, dimension).astype("float32"))
    order = [int(np.argmin(np.linalg.norm(flow.prior.loc.numpy() - one, axis=1))) for one in loc]
    assert sorted(order) == [0, 1]
    scale = np.exp(flow.prior.log_scale.numpy())
    factors = scale[:, None] * flow.prior.loadings.numpy()[order] / np.sqrt(dimension)
    lengths = np.square(np.linalg.norm(factors, axis=1)) / 0.3**2
    # Their estimates' own errors: sqrt(2 / 140) of each eigenvalue, 12 %.
    np.testing.assert_allclose(lengths[:, :2], np.tile(excess[:2], (2, 1)), rtol=0.4)
    assert 0 < lengths[:, 2].max() < 0.1
    cosine = np.abs(np.einsum("kdr,kdr->kr", factors, wide)) / np.linalg.norm(factors, axis=1)
    assert cosine[:, :2].min() > 0.85
    assert np.mean(scale**2) == pytest.approx(0.3**2, rel=0.05)


def test_directions_of_few_examples_are_left_open():
    flow = ki.Flow(Chain([]), (50,), prior=FactorAnalyzers(4, 12), seed=0)
    flow.initialize(np.random.default_rng(0).normal(size=(40, 50)).astype("float32"))
    assert np.all(np.isfinite(flow.prior.loadings.numpy()))
    assert np.linalg.norm(flow.prior.loadings.numpy(), axis=1).min() > 0  # at 0 they would have no gradient


def test_factors_gain_what_the_clusters_vary_in():
    rng = np.random.default_rng(0)
    direction = rng.normal(size=8)
    points = (rng.normal(size=(3000, 8)) + 4 * rng.normal(size=(3000, 1)) * direction).astype("float32")
    priors = DiagonalNormal(), FactorAnalyzers(1, 1)
    plain, factored = (ki.Flow(Chain([ActNorm()]), (8,), prior=prior, seed=0) for prior in priors)
    for flow in (plain, factored):
        flow.initialize(points[:2000])
    exact = scipy.stats.multivariate_normal(np.zeros(8), np.eye(8) + 16 * np.outer(direction, direction))
    truth = exact.logpdf(points[2000:]).mean()
    assert factored.log_prob(points[2000:]).numpy().mean() == pytest.approx(truth, abs=0.1)
    assert plain.log_prob(points[2000:]).numpy().mean() < truth - 2


def test_training_moves_all_of_it_and_no_component_dies():
    # In 64 dimensions one component of its own, wider scale would take all images.
    flow = small_flows.image_flow(prior=FactorAnalyzers(4, 2), seed=0)
    images = small_flows.images(400)
    flow.initialize(images)
    weights = flow.prior.loc, flow.prior.log_scale, flow.prior.logits, flow.prior.loadings
    before = [weight.numpy() for weight in weights]
    flow.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    flow.fit(images, batch_size=50, epochs=2, verbose=0)
    for weight, value in zip(weights, before, strict=True):
        assert np.abs(weight.numpy() - value).min() > 0
    assert tf.nn.softmax(flow.prior.logits).numpy().min() > 0.25 * np.exp(before[2]).min()


@pytest.mark.parametrize("factors", [-1, 0, 1.0, True, None])
def test_what_is_no_number_of_factors_is_refused(factors):
    with pytest.raises(ValueError, match="`factors` must be an integer of at least 1"):
        FactorAnalyzers(1, factors)


def test_as_many_factors_as_dimensions_are_refused():
    with pytest.raises(
        ValueError, match=r"`factors` must be below the number of dimensions\. Received: factors=2, 2 dim"
    ):
        ki.Flow(Chain([]), (2,), prior=FactorAnalyzers(1, 2))


def test_distribution_trains_factors_and_their_scale():
    distribution = _factored(3).distribution
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(distribution.log_prob(np.ones((5, 4))))
    variables = distribution.trainable_variables
    names = [variable.name.partition(":")[0].rpartition("/")[2] for variable in variables]
    assert {"loc", "log_scale", "logits", "loadings"} <= set(names)
    ours = _factored(3)
    with tf.GradientTape() as own_tape:
        own = -tf.reduce_mean(ours.log_prob(np.ones((5, 4))))
    weights = {weight.name: weight.value for weight in ours.trainable_variables}
    expected = own_tape.gradient(own, weights)
    for name, gradient in zip(names, tape.gradient(loss, variables), strict=True):
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-8, atol=1e-12)


def test_too_few_examples_for_directions_are_refused():
    flow = ki.Flow(Chain([ActNorm()]), (2,), prior=FactorAnalyzers(1, 1), seed=0)
    with pytest.raises(
        ValueError, match=r"at least 10 examples for this prior, FactorAnalyzers\. Received: 9 examples"
    ):
        flow.initialize(small_flows.points(9))
    flow.initialize(small_flows.points(10))
    assert np.all(np.isfinite(flow.log_prob(small_flows.points(5))))
