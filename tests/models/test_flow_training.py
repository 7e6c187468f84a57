"""A flow in Keras's `fit`, `evaluate` and `predict`."""

import keras
import numpy as np
import oracles
import pytest
import scipy.stats
import small_flows
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain, DenseBranch, InvertibleResidualBlock, Logit

EXACT = ki.ExactLogDet()


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
        np.testing.assert_allclose(fresh.prior.loc.numpy(), np.mean(z, 0), atol=1e-4)
        np.testing.assert_allclose(np.exp(fresh.prior.log_scale.numpy()), np.std(z, 0), rtol=1e-4)

    def test_layers_are_set_from_the_first_examples_and_the_prior_from_all(self, fresh):
        data = np.concatenate([small_flows.points(1024), 5 + 2 * small_flows.points(1500, seed=1)])
        fresh.initialize(data)
        normalised = fresh.layer.layers[0](data).numpy()
        np.testing.assert_allclose(normalised[:1024].mean(0), 0, atol=1e-4)
        np.testing.assert_allclose(normalised[:1024].std(0), 1, rtol=1e-4)
        assert np.all(normalised.mean(0) > 2)
        z = fresh.forward(data)
        np.testing.assert_allclose(fresh.prior.loc.numpy(), np.mean(z, 0), rtol=1e-4)
        np.testing.assert_allclose(np.exp(fresh.prior.log_scale.numpy()), np.std(z, 0), rtol=1e-4)

    def test_many_examples_are_looked_at_before_anything_is_set(self, fresh):
        data = small_flows.points(2000)
        data[1500] = np.nan
        weights = fresh.get_weights()
        with pytest.raises(ValueError, match="must be finite"):
            fresh.initialize(data)
        for old, weight in zip(weights, fresh.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, old)

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

    @pytest.mark.slow
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
        before = fresh.prior.loc.numpy(), fresh.prior.log_scale.numpy()
        fresh.fit(small_flows.points(), verbose=0)
        assert np.abs(fresh.prior.loc.numpy() - before[0]).min() > 0
        assert np.abs(fresh.prior.log_scale.numpy() - before[1]).min() > 0

    def test_untrained_prior_stays_where_the_data_put_it(self):
        flow = small_flows.image_flow(prior=ki.priors.FactorAnalyzers(3, 2, trainable=False), seed=0)
        flow.initialize(small_flows.images(300))
        prior = flow.prior.weights
        assert len(prior) == 4
        before = [weight.numpy() for weight in prior]
        kernels = [weight.numpy() for weight in flow.trainable_variables]
        assert all(np.abs(values).max() > 0 for values in before)
        flow.compile("adam", run_eagerly=True)
        flow.fit(small_flows.images(), verbose=0)
        for old, weight in zip(before, prior, strict=True):
            np.testing.assert_array_equal(weight.numpy(), old)
        moved = zip(kernels, flow.trainable_variables, strict=True)
        assert any(np.abs(weight.numpy() - old).max() > 0 for old, weight in moved)
        assert ki.Flow.from_config(flow.get_config()).prior.trainable is False

    def test_fixed_prior_stays_standard(self):
        flow = small_flows.point_flow(prior=ki.priors.StandardNormal())
        flow.compile("adam", run_eagerly=True)
        flow.fit(small_flows.points(), verbose=0)
        assert not flow.prior.weights
        z = np.random.default_rng(0).normal(size=(5, 2))
        np.testing.assert_allclose(flow.prior(z), scipy.stats.norm.logpdf(z).sum(-1), rtol=1e-6)
        np.testing.assert_array_equal(np.stack(flow.prior.moments()), [[0, 0], [1, 1]])
