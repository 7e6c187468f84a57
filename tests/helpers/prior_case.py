"""What every prior must do, as a test class: a prior's own test derives from it."""

import json

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

import keras_iresnet as ki


class PriorCase:
    """Density, samples, moments, TFP's view, saving and precision of a prior, away from where it begins.

    A subclass implements `make`, `move` and `oracle_log_prob`, and may set `dimension`.
    """

    dimension = 3
    reparameterized = True  # whether TFP's samples carry gradients

    def make(self, **kwargs):
        """A new prior; `kwargs` may hold `dtype` and `trainable`."""
        raise NotImplementedError

    def move(self, prior):
        """Give a built prior weights far from its first ones."""

    def oracle_log_prob(self, z):
        """The density at (n, D) of a prior that was moved, in float64, by another library."""
        raise NotImplementedError

    def built(self, dtype="float64", **kwargs):
        prior = self.make(dtype=dtype, **kwargs)
        prior.build((None, self.dimension))
        self.move(prior)
        return prior

    def latents(self, dtype="float64"):
        return tf.constant(np.random.default_rng(0).normal(size=(40, self.dimension)) * 3, dtype)

    @pytest.mark.parametrize(("dtype", "error"), [("float64", 1e-10), ("float32", 1e-4), ("mixed_bfloat16", 1e-4)])
    def test_density_is_that_of_another_library(self, dtype, error):
        prior = self.built(dtype)
        z = self.latents(prior.stream_dtype)
        expected = self.oracle_log_prob(self.latents().numpy())
        assert np.ptp(expected) > 1
        found = prior.log_prob(z)
        assert found.dtype == prior.stream_dtype
        np.testing.assert_allclose(found, expected, rtol=error, atol=error)
        np.testing.assert_allclose(prior(z), expected, rtol=error, atol=error)

    def test_distribution_has_the_density_and_the_shape(self):
        prior = self.built()
        distribution = prior.distribution()
        assert (tuple(distribution.batch_shape), tuple(distribution.event_shape)) == ((), (self.dimension,))
        z = self.latents()
        np.testing.assert_allclose(distribution.log_prob(z), prior.log_prob(z), rtol=1e-9)
        np.testing.assert_allclose(distribution.log_prob(tf.reshape(z, (2, 20, -1))).numpy().ravel(), prior.log_prob(z))

    def test_distribution_follows_the_weights_and_trains_them_unless_they_are_frozen(self):
        prior = self.built()
        distribution = prior.distribution()
        before = distribution.log_prob(self.latents()).numpy()
        assert len(distribution.trainable_variables) == len(prior.trainable_weights)
        for weight in prior.weights:
            weight.assign(weight + 0.3)
        np.testing.assert_allclose(distribution.log_prob(self.latents()), prior.log_prob(self.latents()), rtol=1e-9)
        if prior.weights:
            assert np.abs(distribution.log_prob(self.latents()) - before).max() > 0.01
        assert not self.built(trainable=False).distribution().trainable_variables

    @pytest.mark.parametrize("of_tfp", [False, True])
    def test_samples_have_the_moments(self, of_tfp):
        prior = self.built()
        count = 20_000
        samples = (
            prior.distribution().sample(count, seed=(1, 2)) if of_tfp else prior.sample(count, tf.constant([1, 2]))
        )
        assert samples.shape == (count, self.dimension)
        mean, deviation = prior.moments()
        expected = np.concatenate([mean, np.square(deviation) + np.square(mean)])
        oracles.assert_mean(np.concatenate([samples, np.square(samples)], 1), expected)

    def test_samples_come_from_the_seed_and_narrow_with_the_temperature(self):
        prior = self.built()
        first, again, other = (prior.sample(5, tf.constant([seed, 0])).numpy() for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert np.abs(first - other).max() > 1e-3
        cold, half = (prior.sample(5, tf.constant([1, 0]), temperature).numpy() for temperature in (0.0, 0.5))
        np.testing.assert_allclose(half - cold, 0.5 * (first - cold), atol=1e-9)

    def test_config_holds_json_and_gives_the_prior_back(self):
        prior = self.built()
        again = type(prior).from_config(json.loads(json.dumps(prior.get_config())))
        again.build((None, self.dimension))
        again.set_weights(prior.get_weights())
        np.testing.assert_array_equal(again.log_prob(self.latents()), prior.log_prob(self.latents()))

    def test_flow_that_has_it_is_fitted_saved_and_loaded(self, tmp_path):
        flow = ki.Flow(ki.layers.Chain([ki.layers.ActNorm()]), (self.dimension,), prior=self.make(), seed=0)
        x = np.random.default_rng(0).normal(size=(300, self.dimension)).astype("float32")
        flow.compile("adam")
        flow.fit(x, epochs=1, verbose=0)
        flow.save(tmp_path / "flow.keras")
        loaded = keras.saving.load_model(tmp_path / "flow.keras")
        assert type(loaded.prior) is type(flow.prior)
        np.testing.assert_allclose(loaded.log_prob(x[:9]), flow.log_prob(x[:9]), rtol=1e-6)
        np.testing.assert_array_equal(loaded.sample(4, seed=1), flow.sample(4, seed=1))
        assert np.isfinite(flow.distribution.log_prob(x[:9])).all()
