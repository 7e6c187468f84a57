"""Priors of one Gaussian and of several: density, samples, start, training."""

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


_RNG = np.random.default_rng(7)
FACTORED_LOC, FACTORED_SCALE = _RNG.normal(size=(3, 4)) * 3, np.exp(_RNG.normal(size=4) / 2)
LOADINGS = _RNG.normal(size=(3, 4, 2)) * 3


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


def test_it_begins_near_the_density_of_the_clouds():
    points, _ = clouds(2000, 2)
    density = scipy.special.logsumexp(
        np.stack([scipy.stats.norm(10 * loc, 1).logpdf(points).sum(-1) for loc in LOC], -1), axis=-1, b=SHARE
    ).mean()
    assert _clouds_flow().log_prob(points).numpy().mean() == pytest.approx(density, abs=0.02)
    assert _clouds_flow(DiagonalNormal()).log_prob(points).numpy().mean() < density - 1


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


def test_fit_initialises_from_enough_examples_for_the_components():
    assert ki.Flow(Chain([]), (2,)).initialization_examples == 1024
    flow = ki.Flow(Chain([ActNorm()]), (2,), prior=NormalMixture(110), seed=0)
    flow.compile("adam")
    flow.fit(clouds(9000)[0], batch_size=500, epochs=1, verbose=0)
    assert flow.initialized
    assert flow.initialization_examples == 8800
    assert ki.Flow(Chain([]), (2,), prior=FactorAnalyzers(10, 1)).initialization_examples == 2400


@pytest.mark.parametrize("factors", [0, 3])
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
        flow.initialize(clouds(9)[0])
    flow.initialize(clouds(10)[0])
    assert np.all(np.isfinite(flow.log_prob(clouds(5)[0])))


def test_too_few_examples_for_the_components_are_refused_before_anything_is_set():
    flow = ki.Flow(Chain([ActNorm()]), (2,), prior=NormalMixture(3), seed=0)
    with pytest.raises(ValueError, match=r"at least 30 examples for this prior, NormalMixture\. Received: 29 examples"):
        flow.initialize(clouds(29)[0])
    assert not flow.initialized
    np.testing.assert_array_equal(flow.prior.loc.numpy(), 0)


class TestNormalMixture(PriorCase):
    dimension = 2

    def make(self, **kwargs):
        return NormalMixture(3, **kwargs)

    def move(self, prior):
        prior.loc.assign(LOC)
        prior.log_scale.assign(np.log(SCALE))
        prior.logits.assign(np.log(SHARE))

    def oracle_log_prob(self, z):
        return oracle_log_prob(z)


class TestFactorAnalyzers(PriorCase):
    dimension = 4

    def make(self, **kwargs):
        return FactorAnalyzers(3, 2, **kwargs)

    def move(self, prior):
        prior.loc.assign(FACTORED_LOC)
        prior.log_scale.assign(np.log(FACTORED_SCALE))
        prior.loadings.assign(LOADINGS)
        prior.logits.assign(np.log(SHARE))

    def oracle_log_prob(self, z):
        return _oracle_with_factors(z, 3)
