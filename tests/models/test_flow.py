"""A flow's density, samples and images."""

import keras
import numpy as np
import oracles
import pytest
import small_flows
import tensorflow as tf
from scipy import stats

import keras_iresnet as ki
from keras_iresnet.layers import (
    ActNorm,
    Chain,
    DenseBranch,
    Gaussianize,
    InjectivePad,
    InvertibleResidualBlock,
    Logit,
)

EXACT = ki.ExactLogDet()


def normal_log_prob(z, loc, log_scale):
    standard = (np.asarray(z) - np.asarray(loc)) / np.exp(log_scale)
    return np.sum(-0.5 * standard**2 - log_scale - 0.5 * np.log(2 * np.pi), -1)


def oracle_log_prob(flow, x):
    """ln p_z(F(x)) + ln|det dF/dx| with nothing of the flow but its forward map and its prior's numbers."""
    log_det = oracles.log_abs_det(oracles.jacobian(flow.forward, x))
    return normal_log_prob(flow.forward(x), flow.prior.loc.numpy(), flow.prior.log_scale.numpy()) + log_det


def without_blocks(g, x, seed):
    """An estimator that leaves the residual branches out."""
    return g(x), tf.zeros(len(x), x.dtype)


class TestDensity:
    def test_log_prob_of_a_trained_flow_is_prior_plus_slogdet(self, trained):
        flow, _ = trained
        x = flow.to_data(small_flows.images(6, seed=9), seed=1)
        actual = flow.log_prob(x, estimator=EXACT)
        np.testing.assert_allclose(actual, oracle_log_prob(flow, x), rtol=1e-9)
        # The blocks have left the identity: without their share it would be another density.
        share = (
            flow.forward_and_log_det(x, 1, estimator=EXACT)[1]
            - flow.forward_and_log_det(x, 1, estimator=without_blocks)[1]
        )
        assert np.abs(share).mean() > 0.2

    def test_log_prob_of_points_is_prior_plus_slogdet(self, point_flow):
        x = tf.constant(np.random.default_rng(0).normal(size=(20, 2)))
        np.testing.assert_allclose(point_flow(x), oracle_log_prob(point_flow, x), rtol=1e-9)
        share = (
            point_flow.forward_and_log_det(x, 1)[1] - point_flow.forward_and_log_det(x, 1, estimator=without_blocks)[1]
        )
        assert np.abs(share).mean() > 0.2

    def test_series_estimates_the_same_density(self, trained):
        flow, _ = trained
        x = flow.to_data(small_flows.images(1, seed=9), seed=1)
        nats = flow.log_prob(tf.repeat(x, 2000, 0), seed=2, estimator=ki.SeriesLogDet(25, 2))
        oracles.assert_mean(nats.numpy()[:, None], oracle_log_prob(flow, x))

    def test_density_of_one_dimension_integrates_to_1(self):
        flow = oracles.leave_identity(small_flows.in_precision("float64", small_flows.point_flow, dimension=1))
        grid = np.linspace(-40, 40, 20_001)
        density = np.exp(flow.log_prob(grid[:, None]))
        assert density.max() > 0.1
        assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-6)

    def test_density_of_two_dimensions_integrates_to_1(self, point_flow):
        side = np.linspace(-25, 25, 301)
        grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
        density = np.exp(point_flow.log_prob(grid)).reshape(301, 301)
        assert np.trapezoid(np.trapezoid(density, side), side) == pytest.approx(1, abs=1e-5)

    def test_density_behind_a_logit_integrates_to_1_over_the_data_space(self):
        def make():
            block = InvertibleResidualBlock(DenseBranch((6,)), estimator=EXACT)
            return ki.Flow(Chain([Logit(1e-3), ActNorm(), block]), (1,), bins=4)

        flow = oracles.leave_identity(small_flows.in_precision("float64", make))
        # What the logit lets through is (-alpha, 1 + alpha) / (1 - 2 alpha): the density integrates to 1 over it.
        edge = 1e-3 / (1 - 2e-3)
        grid = np.linspace(-edge, 1 + edge, 200_002)[1:-1]
        density = np.exp(flow.log_prob(grid[:, None]))
        assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-3)
        inside = (grid >= 0) & (grid <= 1)
        assert 0.8 < np.trapezoid(density[inside], grid[inside]) < 1

    def test_density_behind_a_histogram_integrates_to_what_the_prior_has_between_the_ends(self):
        def make():
            block = InvertibleResidualBlock(DenseBranch((6,)), estimator=EXACT)
            return ki.Flow(Chain([Gaussianize(4), block]), (1,), bins=4)

        flow = oracles.leave_identity(small_flows.in_precision("float64", make))
        flow.initialize(np.repeat(np.arange(4), [60, 25, 10, 5])[:, None].astype("uint8"))
        pixels, ends = flow.layer.layers[0], np.array([[0.0], [1.0]])
        grid = pixels.inverse(np.linspace(*pixels(ends), 100_001)).numpy()  # dense where the map is steep
        integral = np.trapezoid(np.exp(flow.log_prob(grid)), grid[:, 0])
        prior = stats.norm(flow.prior.loc[0], np.exp(flow.prior.log_scale[0]))
        low, high = prior.cdf(flow.forward(ends)[:, 0])
        assert integral == pytest.approx(high - low, rel=1e-4)
        assert 0.8 < high - low < 1

    def test_chain_of_nothing_is_the_prior(self):
        flow = ki.Flow(Chain([]), (3,), prior=ki.priors.StandardNormal())
        x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
        np.testing.assert_allclose(flow(x), normal_log_prob(x, 0, np.zeros(3)), rtol=1e-5)


class TestSampling:
    def test_inverse_of_forward_gives_the_data_back(self, trained):
        flow, _ = trained
        x = flow.to_data(small_flows.images(8, seed=4), seed=1)
        z = flow.forward(x)
        assert z.shape == (8, 16)
        np.testing.assert_allclose(flow.inverse(z), x, rtol=0, atol=1e-12)
        report = flow.inverse_and_report(z)[1]
        assert report.converged.numpy().all()
        assert (report.steps.numpy() > 2).all()

    def test_samples_follow_the_density_of_one_dimension(self):
        flow = oracles.leave_identity(small_flows.in_precision("float64", small_flows.point_flow, dimension=1))
        count, cells = 4000, 20
        samples = flow.sample(count, seed=5).numpy()[:, 0]
        grid = np.linspace(-40, 40, 40_001)
        distribution = np.cumsum(np.exp(flow.log_prob(grid[:, None]))) * (grid[1] - grid[0])
        edges = np.interp(np.linspace(0, 1, cells + 1)[1:-1], distribution, grid)
        counts = np.bincount(np.searchsorted(edges, samples), minlength=cells)
        expected = count / cells
        assert np.abs(counts - expected).max() < 4 * np.sqrt(expected * (1 - 1 / cells))
        # chi-square with 19 degrees of freedom: above 44 once in a thousand
        assert np.sum((counts - expected) ** 2 / expected) < 44

    def test_samples_follow_the_density_of_two_dimensions(self, point_flow):
        samples = point_flow.sample(3000, seed=6).numpy()
        side = np.linspace(-25, 25, 301)
        grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
        weights = np.exp(point_flow.log_prob(grid))
        weights /= weights.sum()

        def features(x):
            a, b = x.T
            return np.stack([a, b, a**2, b**2, a * b, np.sin(a + b), np.exp(-(a**2) - b**2)], -1)

        oracles.assert_mean(features(samples), weights @ features(grid))

    def test_seed_decides_the_samples(self, point_flow):
        first, again, other = (point_flow.sample(4, seed=seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert np.abs(first - other).min() > 1e-6
        assert np.abs(point_flow.sample(4) - point_flow.sample(4)).min() > 1e-6

    def test_temperature_scales_the_prior(self, point_flow):
        cold = point_flow.sample(3, seed=1, temperature=0.0)
        mode = point_flow.inverse(point_flow.prior.loc.numpy()[None])
        np.testing.assert_allclose(cold, np.repeat(mode, 3, 0), rtol=1e-9)
        loc = point_flow.prior.loc.numpy()
        warm, half = (point_flow.forward(point_flow.sample(3, seed=1, temperature=t)) - loc for t in (1.0, 0.5))
        np.testing.assert_allclose(half, 0.5 * warm, rtol=1e-9)

    def test_samples_that_did_not_converge_are_not_given_out(self):
        flow = small_flows.point_flow(max_steps=1)
        with pytest.raises(ki.layers.NotConvergedError, match="3 of 3 did not"):
            flow.sample(3, seed=1)
        with pytest.warns(RuntimeWarning, match="3 of 3 did not"):
            flow.sample(3, seed=1, on_failure="warn")
        assert flow.sample(3, seed=1, on_failure="ignore").shape == (3, 2)

    def test_latents_of_another_shape_are_refused(self, point_flow):
        with pytest.raises(ValueError, match=r"must have shape \(batch, 2\). Received: shape=\(4, 3\)"):
            point_flow.inverse(np.zeros((4, 3)))


class TestImages:
    def test_data_space_and_back_gives_the_same_images(self, trained):
        flow, _ = trained
        images = small_flows.images(50)
        x = flow.to_data(images, seed=1)
        assert x.dtype == tf.float64
        assert float(tf.reduce_min(x)) > 0
        assert float(tf.reduce_max(x)) < 1
        np.testing.assert_array_equal(np.floor(x * small_flows.BINS), images)
        back = flow.to_images(x)
        np.testing.assert_array_equal(back, images)
        assert back.dtype == tf.uint8
        assert np.abs(x - flow.to_data(images, seed=2)).max() > 0.05
        np.testing.assert_array_equal(x, flow.to_data(images, seed=1))

    def test_density_of_integers_is_that_of_their_noisy_points(self, trained):
        flow, _ = trained
        image = np.repeat(small_flows.images(1, seed=5), 1500, 0)
        noise = np.random.default_rng(0).uniform(size=image.shape)
        by_hand = flow.log_prob((image + noise) / small_flows.BINS, estimator=EXACT).numpy()
        inside = flow.log_prob(image, seed=1, estimator=EXACT).numpy()
        error = np.sqrt((by_hand.var() + inside.var()) / 1500)
        assert abs(by_hand.mean() - inside.mean()) < 4 * error
        assert error < 0.1 * by_hand.std()

    def test_bits_per_dim_is_counted_by_hand(self, trained):
        flow, _ = trained
        images = small_flows.images(5)
        bits = flow.bits_per_dim(images, seed=2, estimator=EXACT)
        log_prob = flow.log_prob(images, seed=2, estimator=EXACT).numpy()
        np.testing.assert_allclose(bits, -log_prob / (16 * np.log(2)) + np.log2(5), rtol=1e-12)

    def test_samples_are_images(self, trained):
        flow, _ = trained
        images = flow.to_images(flow.sample(100, seed=1)).numpy().astype(float)
        assert images.shape == (100, 4, 4, 1)
        # What was learned shows: rows become brighter downwards, as in the data.
        rows = images.mean((0, 2, 3))
        assert rows[3] - rows[0] > 0.5 * (np.ptp(small_flows.images(2000).mean((0, 2, 3))))

    @pytest.mark.parametrize("method", ["bits_per_dim", "to_data", "to_images"])
    def test_points_have_no_bins(self, point_flow, method):
        with pytest.raises(ValueError, match=f"`{method}` needs a flow of images: set `bins`. Received: bins=None"):
            getattr(point_flow, method)(np.zeros((1, 2)))


class TestConstruction:
    def test_layer_that_is_no_bijection_is_refused(self):
        with pytest.raises(ValueError, match=r"needs a bijection.* event_shape=\(2,\), latent shape=\(3,\)"):
            ki.Flow(InjectivePad(1), (2,))

    def test_layer_without_an_inverse_is_refused(self):
        with pytest.raises(ValueError, match=r"`layer` must hold invertible layers .* Received: Dense"):
            ki.Flow(keras.layers.Dense(2), (2,))

    def test_activation_and_coeff_are_checked_before_the_flow_is_built(self):
        with pytest.raises(ValueError, match="must be 1-Lipschitz"):
            ki.zoo.digits_flow(activation="swish")
        with pytest.raises(ValueError, match="`coeff` must lie in"):
            ki.zoo.digits_flow(coeff=1.0)
