import json
import subprocess
import sys
import warnings

import keras
import numpy as np
import oracles
import pytest
import small_flows
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain, DenseBranch, InjectivePad, InvertibleResidualBlock, Logit

EXACT = ki.ExactLogDet()


def normal_log_prob(z, loc, log_scale):
    standard = (np.asarray(z) - np.asarray(loc)) / np.exp(log_scale)
    return np.sum(-0.5 * standard**2 - log_scale - 0.5 * np.log(2 * np.pi), -1)


def oracle_log_prob(flow, x):
    """ln p_z(F(x)) + ln|det dF/dx| with nothing of the flow but its forward map and its prior's numbers."""
    log_det = oracles.log_abs_det(oracles.jacobian(flow.forward, x))
    return normal_log_prob(flow.forward(x), flow.prior_loc.numpy(), flow.prior_log_scale.numpy()) + log_det


def without_blocks(g, x, seed):
    """An estimator that leaves the residual branches out."""
    return g(x), tf.zeros(len(x), x.dtype)


@pytest.fixture(scope="module")
def trained():
    """A float64 flow over images after some epochs of training, with the history of the fit."""
    keras.utils.set_random_seed(3)  # a module's fixtures come before the seed of each test
    flow = small_flows.in_precision("float64", small_flows.image_flow, seed=3)
    flow.compile(keras.optimizers.Adam(0.02))
    history = flow.fit(small_flows.images(), epochs=12, batch_size=32, verbose=0)
    return flow, history.history


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory):
    """The trained flow and the file it was saved to."""
    flow, _ = trained
    path = tmp_path_factory.mktemp("saved") / "flow.keras"
    flow.save(path)
    return flow, path


@pytest.fixture(scope="module")
def point_flow():
    """A float64 flow over points, far from the identity."""
    flow = small_flows.in_precision("float64", small_flows.point_flow)
    return oracles.leave_identity(flow)


@pytest.fixture
def fresh():
    """A float32 flow over points, neither initialised nor trained; it runs eagerly where nothing is said."""
    flow = small_flows.point_flow(seed=1)
    flow.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    return flow


class TestDensity:
    def test_log_prob_of_a_trained_flow_is_prior_plus_slogdet(self, trained):
        flow, _ = trained
        x = flow.to_data(small_flows.images(6, seed=9), seed=1)
        actual = flow.log_prob(x, estimator=EXACT)
        np.testing.assert_allclose(actual, oracle_log_prob(flow, x), rtol=1e-9)
        # The blocks have left the identity: without their share it would be another density.
        share = flow.forward_and_log_det(x, 1, EXACT)[1] - flow.forward_and_log_det(x, 1, without_blocks)[1]
        assert np.abs(share).mean() > 0.2

    def test_log_prob_of_points_is_prior_plus_slogdet(self, point_flow):
        x = tf.constant(np.random.default_rng(0).normal(size=(20, 2)))
        np.testing.assert_allclose(point_flow(x), oracle_log_prob(point_flow, x), rtol=1e-9)
        share = point_flow.forward_and_log_det(x, 1)[1] - point_flow.forward_and_log_det(x, 1, without_blocks)[1]
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

    def test_chain_of_nothing_is_the_prior(self):
        flow = ki.Flow(Chain([]), (3,), learned_prior=False)
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
        mode = point_flow.inverse(point_flow.prior_loc.numpy()[None])
        np.testing.assert_allclose(cold, np.repeat(mode, 3, 0), rtol=1e-9)
        loc = point_flow.prior_loc.numpy()
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


class TestTraining:
    def test_training_improves_the_likelihood_of_other_data(self, trained):
        flow, history = trained
        other = small_flows.images(64, seed=77)
        bits = flow.evaluate(other, verbose=0, return_dict=True)["bits_per_dim"]
        # The entropy of independent pixels with the data's own frequencies: what no flow without structure beats.
        frequencies = np.stack([(small_flows.images(2000) == k).mean(0) for k in range(5)])
        entropy = -np.sum(frequencies * np.log2(frequencies + 1e-12), 0).mean()
        assert bits < entropy
        assert history["loss"][-1] < history["loss"][0] - 0.1

    def test_fit_initialises_from_the_data(self, fresh):
        data = 5 + 3 * small_flows.points()
        assert not fresh.initialized
        fresh.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        fresh.fit(data, epochs=1, verbose=0)
        assert fresh.initialized
        normalised = fresh.layer.layers[0](data)
        np.testing.assert_allclose(np.mean(normalised, 0), 0, atol=1e-4)
        np.testing.assert_allclose(np.std(normalised, 0), 1, rtol=1e-4)
        z = fresh.forward(data)
        np.testing.assert_allclose(fresh.prior_loc.numpy(), np.mean(z, 0), atol=1e-4)
        np.testing.assert_allclose(np.exp(fresh.prior_log_scale.numpy()), np.std(z, 0), rtol=1e-4)

    def test_fit_initialises_once(self, fresh):
        fresh.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        fresh.fit(small_flows.points(), epochs=1, verbose=0)
        weights = [weight.numpy() for weight in fresh.trainable_variables]
        fresh.fit(100 * small_flows.points(), epochs=2, verbose=0)
        for old, weight in zip(weights, fresh.trainable_variables, strict=True):
            np.testing.assert_array_equal(weight.numpy(), old)

    def test_fit_keeps_the_initialisation_of_the_user(self, fresh):
        fresh.initialize(10 * small_flows.points())
        shift = fresh.layer.layers[0].shift.numpy()
        fresh.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        fresh.fit(small_flows.points(), epochs=1, verbose=0)
        np.testing.assert_array_equal(fresh.layer.layers[0].shift.numpy(), shift)

    def test_a_step_follows_the_gradient_of_the_mean_likelihood(self, fresh):
        data = small_flows.points(64)
        fresh.initialize(data)
        oracles.leave_identity(fresh)
        fresh.compile(keras.optimizers.SGD(0.1))
        weights = fresh.get_weights()
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(fresh.log_prob(data, training=True))
        gradients = tape.gradient(loss, [weight.value for weight in fresh.trainable_variables])
        expected = [w - 0.1 * g for w, g in zip(fresh.trainable_variables, gradients, strict=True)]
        fresh.set_weights(weights)  # the power iteration had advanced
        history = fresh.fit(data, batch_size=64, epochs=1, verbose=0).history
        assert history["loss"][0] == pytest.approx(float(loss), rel=1e-5)
        for weight, value in zip(fresh.trainable_variables, expected, strict=True):
            np.testing.assert_allclose(weight.numpy(), value, rtol=1e-4, atol=1e-5, err_msg=weight.path)

    def test_metric_of_unequal_batches_is_the_mean_over_examples(self, point_flow):
        x = np.random.default_rng(0).normal(size=(10, 2)).astype("float32")
        point_flow.compile()
        logs = point_flow.evaluate(x, batch_size=4, verbose=0, return_dict=True)
        expected = -np.mean(point_flow.log_prob(x))
        assert logs["nats"] == pytest.approx(expected, rel=1e-6)
        assert logs["loss"] == pytest.approx(expected, rel=1e-6)

    def test_metric_of_images_is_bits_per_dim_by_hand(self):
        def make():
            block = InvertibleResidualBlock(DenseBranch((6,)), estimator=EXACT)
            return ki.Flow(Chain([Logit(), ActNorm(), block]), (3,), bins=7)

        flow = oracles.leave_identity(make())
        flow.compile()
        x = np.random.default_rng(0).uniform(0.1, 0.9, (10, 3)).astype("float32")  # data space: no noise is added
        expected = np.mean(-flow.log_prob(x).numpy() / (3 * np.log(2)) + np.log2(7))
        logs = flow.evaluate(x, batch_size=4, verbose=0, return_dict=True)
        assert set(logs) == {"loss", "bits_per_dim"}
        assert logs["bits_per_dim"] == pytest.approx(expected, rel=1e-5)

    def test_predict_gives_log_likelihoods(self, point_flow):
        x = np.random.default_rng(0).normal(size=(10, 2)).astype("float32")
        np.testing.assert_allclose(point_flow.predict(x, batch_size=4, verbose=0), point_flow.log_prob(x), rtol=1e-6)

    def test_callbacks_and_validation_see_the_metrics(self, fresh, tmp_path):
        seen = []
        callbacks = [
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs))),
            keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_nats", save_best_only=True),
            keras.callbacks.EarlyStopping("val_nats", patience=5, restore_best_weights=True),
        ]
        history = fresh.fit(
            small_flows.points(), epochs=2, validation_data=(small_flows.points(50, 1),), callbacks=callbacks, verbose=0
        ).history
        assert set(seen[0]) == set(history) == {"loss", "nats", "val_loss", "val_nats"}
        assert history["nats"] == pytest.approx(history["loss"], rel=1e-5)
        assert (tmp_path / "best.keras").exists()

    def test_labels_are_ignored(self):
        histories = []
        x = small_flows.points(64)
        labelled = tf.data.Dataset.from_tensor_slices((x, np.ones(64))).batch(64)
        for arguments in [(x,), (x, np.arange(64)), (labelled,)]:
            keras.utils.set_random_seed(1)
            flow = small_flows.point_flow()
            flow.initialize(x)
            flow.compile(keras.optimizers.SGD(0.01), run_eagerly=True)
            size = None if arguments[0] is labelled else 64
            histories.append(flow.fit(*arguments, batch_size=size, epochs=2, shuffle=False, verbose=0).history["nats"])
        np.testing.assert_allclose(histories[1:], [histories[0]] * 2, rtol=1e-6)

    def test_generators_and_keras_data_sets_are_fitted_too(self, fresh):
        data = small_flows.points(64)

        class Batches(keras.utils.PyDataset):
            def __len__(self):
                return 2

            def __getitem__(self, index):
                return (data[32 * index : 32 * index + 32],)

        callback = keras.callbacks.History()
        fresh.fit(Batches(), verbose=0, callbacks=callback)  # one callback need not be in a list
        assert np.isfinite(callback.history["nats"]).all()
        other = small_flows.point_flow()
        other.compile("adam", run_eagerly=True)
        other.fit(((data[i : i + 32],) for i in (0, 32)), steps_per_epoch=2, verbose=0)
        assert int(other.optimizer.iterations) == int(fresh.optimizer.iterations) == 2
        assert other.initialized

    @pytest.mark.parametrize("use_ema", [False, True])
    def test_norms_are_converged_after_the_fit(self, use_ema):
        # With a moving average Keras overwrites the weights after the last epoch.
        flow = small_flows.point_flow()
        flow.compile(keras.optimizers.Adam(0.3, use_ema=use_ema, ema_momentum=0.8), run_eagerly=True)
        flow.fit(small_flows.points(), batch_size=20, epochs=1, verbose=0)
        for layer in flow.layer.layers[1].branch.spectral_layers:
            assert oracles.operator_norm(layer, layer.kernel.numpy()) > 0.9
            assert oracles.operator_norm(layer, layer.normalized_kernel()) <= 0.9 * (1 + 1e-3)

    def test_fit_under_xla_gives_the_same_likelihoods(self):
        losses = []
        for jit_compile in (False, True):
            keras.utils.set_random_seed(2)
            flow = small_flows.point_flow(seed=2)
            flow.compile(keras.optimizers.SGD(0.05), jit_compile=jit_compile)
            losses.append(flow.fit(small_flows.points(), epochs=2, shuffle=False, verbose=0).history["loss"])
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)

    def test_noise_is_new_at_every_call_and_repeats_with_the_seed(self):
        image = small_flows.images(1)
        first, second = (small_flows.image_flow(seed=4) for _ in range(2))
        second.set_weights(first.get_weights())
        draws = [first.log_prob(image).numpy()[0] for _ in range(3)]
        assert len(set(draws)) == 3
        np.testing.assert_allclose([second.log_prob(image).numpy()[0] for _ in range(3)], draws, rtol=1e-6)


class TestPrior:
    def test_learned_prior_is_trained(self, fresh):
        fresh.initialize(small_flows.points())
        before = fresh.prior_loc.numpy(), fresh.prior_log_scale.numpy()
        fresh.fit(small_flows.points(), verbose=0)
        assert np.abs(fresh.prior_loc.numpy() - before[0]).min() > 0
        assert np.abs(fresh.prior_log_scale.numpy() - before[1]).min() > 0

    def test_fixed_prior_stays_standard(self):
        flow = small_flows.point_flow(learned_prior=False)
        flow.compile("adam", run_eagerly=True)
        flow.fit(small_flows.points(), verbose=0)
        assert not any("prior" in weight.path for weight in flow.trainable_variables)
        np.testing.assert_array_equal(flow.prior_loc.numpy(), 0)
        np.testing.assert_array_equal(flow.prior_log_scale.numpy(), 0)


class TestSaving:
    def test_loaded_flow_is_the_same_and_goes_on(self, saved):
        flow, path = saved
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)  # Keras on numpy 2
            loaded = keras.saving.load_model(path)
        images = small_flows.images(8)
        np.testing.assert_allclose(loaded.log_prob(images, seed=1), flow.log_prob(images, seed=1), rtol=1e-6)
        np.testing.assert_allclose(loaded.sample(3, seed=1), flow.sample(3, seed=1), rtol=1e-6)
        assert loaded.initialized
        assert loaded.get_config() == json.loads(json.dumps(flow.get_config()))
        assert int(loaded.optimizer.iterations) == int(flow.optimizer.iterations) > 0
        for a, b in zip(loaded.optimizer.variables, flow.optimizer.variables, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
        assert set(loaded.evaluate(images, verbose=0, return_dict=True)) == {"loss", "bits_per_dim"}
        norm = loaded.layer.layers[2].shift.numpy()
        loaded.fit(0 * images, epochs=1, verbose=0)
        assert np.abs(loaded.layer.layers[2].shift.numpy() - norm).max() < 0.1  # trained on, not initialised again

    def test_fresh_process_that_only_imports_the_package_gives_the_same(self, saved):
        flow, path = saved
        images = small_flows.images(4)
        code = (
            "import sys, json, numpy, keras, keras_iresnet\n"
            f"flow = keras.saving.load_model({str(path)!r})\n"
            f"x = numpy.array({images.tolist()}, 'uint8')\n"
            "print(json.dumps(flow.log_prob(x, seed=1).numpy().tolist()))\n"
        )
        options = {"capture_output": True, "text": True, "timeout": 300}
        done = subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", code], check=False, **options)
        assert done.returncode == 0, done.stderr
        np.testing.assert_allclose(json.loads(done.stdout), flow.log_prob(images, seed=1), rtol=1e-6)

    def test_weights_alone_can_be_saved(self, fresh, tmp_path):
        fresh.fit(small_flows.points(), verbose=0)
        fresh.save_weights(tmp_path / "flow.weights.h5")
        other = small_flows.point_flow(seed=8)
        other.load_weights(tmp_path / "flow.weights.h5")
        x = small_flows.points(5)
        np.testing.assert_allclose(other.log_prob(x), fresh.log_prob(x), rtol=1e-6)
        assert other.initialized

    def test_config_holds_json_and_gives_the_flow_back(self, trained):
        flow, _ = trained
        config = json.loads(json.dumps(flow.get_config()))
        again = ki.Flow.from_config(config)
        assert again.get_config() == config
        assert [weight.shape for weight in again.weights] == [weight.shape for weight in flow.weights]


class TestPrecision:
    def test_mixed_precision_is_trained_and_keeps_its_stream(self):
        flow = small_flows.in_precision("mixed_bfloat16", small_flows.image_flow)
        flow.compile("adam")
        history = flow.fit(small_flows.images(), batch_size=32, verbose=0).history
        assert np.isfinite(history["loss"]).all()
        images = small_flows.images(8)
        for values in (flow.log_prob(images), flow(images), flow.sample(2, seed=1), flow.to_data(images)):
            assert values.dtype == tf.float32
        assert {weight.dtype for weight in flow.trainable_variables} == {"float32"}

    def test_double_precision_is_kept_throughout(self, trained):
        flow, _ = trained
        images = small_flows.images(8)
        for values in (flow.log_prob(images), flow(images), flow.sample(2, seed=1), flow.to_data(images)):
            assert values.dtype == tf.float64
        assert {weight.dtype for weight in flow.trainable_variables} == {"float64"}

    def test_mixed_precision_is_evaluated_as_float32(self):
        mixed = small_flows.in_precision("mixed_bfloat16", small_flows.image_flow)
        oracles.leave_identity(mixed)
        full = small_flows.image_flow()
        full.set_weights(mixed.get_weights())
        images = small_flows.images(8)
        evaluated, reference = mixed.log_prob(images, seed=1), full.log_prob(images, seed=1)
        np.testing.assert_allclose(evaluated, reference, rtol=1e-5)
        in_training = mixed.log_prob(images, seed=1, training=True)
        assert 1e-5 < np.abs(in_training - reference).max() < 0.02 * np.abs(reference).max()

    def test_layers_of_another_precision_are_refused(self):
        with pytest.raises(
            ValueError, match=r"must have the precision of what holds them, float32. Received: act_norm"
        ):
            ki.Flow(Chain([ActNorm(dtype="float64")]), (2,))


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
