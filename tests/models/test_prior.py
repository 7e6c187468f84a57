"""Priors of one Gaussian and of several: density, samples, fit."""

import json
import warnings

import keras
import numpy as np
import oracles
import pytest
import scipy.special
import scipy.stats
import small_flows
import tensorflow as tf
from sklearn.mixture import GaussianMixture

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain
from keras_iresnet.models import prior

LOC = np.array([[-3.0, 0.0], [2.0, 1.0], [2.5, -4.0]])
SCALE = np.array([[0.5, 1.0], [1.5, 0.3], [0.7, 0.7]])
SHARE = np.array([0.2, 0.5, 0.3])


@pytest.fixture
def mixture():
    """The prior alone, as a float64 flow over points: three Gaussians that differ in all."""
    flow = small_flows.in_precision("float64", lambda: ki.Flow(Chain([]), (2,), prior_components=3, seed=0))
    flow.prior_loc.assign(LOC)
    flow.prior_log_scale.assign(np.log(SCALE))
    flow.prior_logits.assign(np.log(SHARE) + 5)  # what they have in common has no effect
    return flow


def oracle_log_prob(z):
    each = [scipy.stats.norm(loc, scale).logpdf(z).sum(-1) for loc, scale in zip(LOC, SCALE, strict=True)]
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
    flow = small_flows.in_precision("float64", small_flows.point_flow, prior_components=3, seed=0)
    oracles.leave_identity(flow)
    for weight, value in ((flow.prior_loc, LOC), (flow.prior_log_scale, np.log(SCALE))):
        weight.assign(value)
    flow.prior_logits.assign(np.log(SHARE))
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
    mean, deviation = mixture.prior_moments()
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


def _clouds_flow(**options):
    flow = ki.Flow(Chain([ActNorm()]), (2,), **{"prior_components": 3, "seed": 0} | options)
    flow.initialize(clouds(900)[0])
    return flow


def test_components_are_one_gaussian_until_they_are_fitted():
    several, one = _clouds_flow(), _clouds_flow(prior_components=1)
    data = clouds(300, 1)[0]
    for flow in (several, one):
        flow.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
        flow.fit(data, batch_size=50, epochs=2, shuffle=False, verbose=0)
    assert np.abs(one.prior_loc.numpy()).min() > 1e-3
    np.testing.assert_allclose(several.prior_loc.numpy(), np.tile(one.prior_loc.numpy(), (3, 1)), rtol=1e-3)
    np.testing.assert_allclose(several.log_prob(data), one.log_prob(data), rtol=1e-5)
    np.testing.assert_allclose(tf.nn.softmax(several.prior_logits), 1 / 3, rtol=1e-5)


def test_fitted_components_are_the_clouds():
    flow = _clouds_flow()
    points, kind = clouds(5000, 1)
    before = flow.log_prob(clouds(2000, 2)[0]).numpy().mean()
    gain = flow.fit_prior(points)
    centres = flow.inverse(flow.prior_loc.numpy()).numpy()
    order = [int(np.argmin(np.linalg.norm(centres - 10 * loc, axis=1))) for loc in LOC]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(centres[order], 10 * LOC, atol=0.15)  # a thousand points or more in each, deviation 1
    np.testing.assert_allclose(tf.nn.softmax(flow.prior_logits).numpy()[order], SHARE, atol=0.03)
    standard = flow.forward(points).numpy() - flow.prior_loc.numpy()[np.array(order)[kind]]
    np.testing.assert_allclose(np.exp(flow.prior_log_scale.numpy()), np.tile(standard.std(0), (3, 1)), rtol=0.08)
    # What it says it gained is what other points gain, to some standard errors of 500 points.
    other = flow.log_prob(clouds(2000, 2)[0]).numpy().mean() - before
    assert gain > 1
    assert gain == pytest.approx(other, abs=0.3)


def test_rounds_go_on_where_the_last_one_ended():
    # Clouds that overlap: the first round is far from rest. One fit of all iterations is what the rounds must give.
    points = np.random.default_rng(0).normal(size=(3000, 2)) * (1 + np.arange(3000) % 3)[:, None]
    options = {"covariance_type": "diag", "reg_covar": prior._LEAST_VARIANCE, "init_params": "k-means++"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = GaussianMixture(6, **options, max_iter=50, random_state=3).fit(points)
        first = GaussianMixture(6, **options, max_iter=5, random_state=3).fit(points)
    found = prior._mixture(points, 6, 3, progress=False)
    assert np.abs(first.means_ - whole.means_).max() > 0.05
    np.testing.assert_allclose(found.means_, whole.means_, rtol=1e-9)
    np.testing.assert_allclose(found.weights_, whole.weights_, rtol=1e-9)


def test_its_progress_is_shown_where_someone_watches(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # what rich takes for a terminal
    _clouds_flow().fit_prior(clouds(900)[0], progress=True)
    shown = capsys.readouterr()
    assert "latents" in shown.err
    assert "3 components" in shown.err
    _clouds_flow().fit_prior(clouds(900)[0])
    silent = capsys.readouterr()
    assert shown.out == silent.out == silent.err == ""


def test_a_prior_that_would_lose_stays_as_it_was():
    flow = _clouds_flow(prior_components=30)
    noise = np.random.default_rng(0).normal(size=(300, 2)).astype("float32")
    flow.initialize(noise)
    before = [weight.numpy() for weight in flow.weights]
    assert flow.fit_prior(noise) == 0
    for weight, value in zip(flow.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_the_seed_decides_the_fit():
    fitted = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(0)
        flow = small_flows.image_flow(prior_components=4, seed=0)
        flow.initialize(small_flows.images(200))
        flow.fit_prior(small_flows.images(200), seed=seed)
        fitted.append(flow.prior_loc.numpy())
    np.testing.assert_array_equal(fitted[0], fitted[1])
    assert np.abs(fitted[0] - fitted[2]).max() > 1e-3


def test_training_goes_on_with_all_of_it():
    flow = _clouds_flow()
    data = clouds(300)[0]
    flow.fit_prior(data)
    weights = flow.prior_loc, flow.prior_log_scale, flow.prior_logits
    before = [weight.numpy() for weight in weights]
    flow.compile("adam", run_eagerly=True)
    flow.fit(data, verbose=0)
    for weight, value in zip(weights, before, strict=True):
        assert np.abs(weight.numpy() - value).min() > 0


def test_it_is_saved_and_served(tmp_path):
    flow = small_flows.image_flow(prior_components=4, seed=0)
    images = small_flows.images(40)
    flow.initialize(images)
    assert flow.fit_prior(small_flows.images(300)) > 0
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    assert json.loads(json.dumps(loaded.get_config()))["prior_components"] == 4
    np.testing.assert_allclose(loaded.log_prob(images, seed=1), flow.log_prob(images, seed=1), rtol=1e-6)
    np.testing.assert_allclose(loaded.sample(5, seed=1), flow.sample(5, seed=1), rtol=1e-6)
    flow.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served").signatures["sample"]
    samples = served(n=tf.constant(5), seed=tf.constant(1))["output_0"]
    np.testing.assert_allclose(samples, flow.sample(5, seed=1), rtol=1e-5)


def test_distribution_trains_and_samples_it(mixture):
    distribution = mixture.distribution
    assert {"prior_loc", "prior_log_scale", "prior_logits"} <= {
        variable.name.partition(":")[0].rpartition("/")[2] for variable in distribution.trainable_variables
    }
    mean, deviation = mixture.prior_moments()
    samples = distribution.sample(20_000, seed=3).numpy()
    np.testing.assert_allclose(samples.mean(0), mean, atol=4 * deviation.numpy().max() / np.sqrt(20_000))


@pytest.mark.parametrize("count", [0, -1, 1.5, True, None])
def test_what_is_no_number_of_components_is_refused(count):
    with pytest.raises(ValueError, match="`prior_components` must be an integer of at least 1"):
        ki.Flow(Chain([]), (2,), prior_components=count)


def test_a_fixed_prior_of_several_is_refused():
    with pytest.raises(ValueError, match="`prior_components` above 1 need a learned prior"):
        ki.Flow(Chain([]), (2,), prior_components=2, learned_prior=False)


def test_too_few_examples_to_fit_are_refused():
    with pytest.raises(ValueError, match="Received: 29 examples, prior_components=3"):
        _clouds_flow().fit_prior(clouds(29)[0])


def test_a_fixed_prior_is_not_fitted():
    with pytest.raises(ValueError, match="`fit_prior` needs a learned prior"):
        ki.Flow(Chain([]), (2,), learned_prior=False).fit_prior(clouds(900)[0])
