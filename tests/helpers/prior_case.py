"""What every prior of the package must do, as a test class: a prior's own test derives from it."""

import json

import keras
import numpy as np
import oracles
import tensorflow as tf

import keras_iresnet as ki


class PriorCase:
    """Density, samples, moments, precision, config and saving of a `Prior` over `dimension` latents.

    A subclass implements `make` and `oracle`, and gives weights values that no initial ones are in `move`.
    """

    dimension = 3

    def make(self, **kwargs):
        """A new prior; `kwargs` may hold `dtype` and `trainable`."""
        raise NotImplementedError

    def oracle(self, prior, z):
        """Log-density (n,) of z (n, D) from the prior's weights, by SciPy."""
        raise NotImplementedError

    def move(self, prior):
        """Leave the initial weights."""
        rng = np.random.default_rng(1)
        for weight in prior.weights:
            weight.assign(weight.numpy() + 0.7 * rng.normal(size=weight.shape))

    def built(self, dtype="float64", **kwargs):
        prior = self.make(dtype=dtype, **kwargs)
        prior.build((None, self.dimension))
        self.move(prior)
        return prior

    def latents(self, count=40):
        return np.random.default_rng(0).normal(size=(count, self.dimension)) * 3

    def test_density_is_the_oracles(self):
        prior, z = self.built(), self.latents()
        expected = self.oracle(prior, z)
        assert np.ptp(expected) > 5
        np.testing.assert_allclose(prior.log_prob(tf.constant(z)), expected, rtol=1e-11)
        np.testing.assert_allclose(prior(z), expected, rtol=1e-11)
        np.testing.assert_allclose(prior.distribution().log_prob(z), expected, rtol=1e-9)

    def test_moments_are_those_of_samples_in_both_libraries(self):
        prior = self.built()
        mean, deviation = (moment.numpy() for moment in prior.moments())
        assert mean.shape == deviation.shape == (self.dimension,)
        for samples in (prior.sample(20_000, tf.constant([1, 2])), prior.distribution().sample(20_000, seed=3)):
            samples = samples.numpy()
            oracles.assert_mean(np.concatenate([samples, (samples - mean) ** 2], 1), np.r_[mean, deviation**2])

    def test_seed_decides_the_samples_also_in_a_graph(self):
        prior = self.built()
        sample = tf.function(prior.sample)
        first, other = (prior.sample(6, tf.constant([seed, 0])).numpy() for seed in (1, 2))
        assert first.shape == (6, self.dimension)
        np.testing.assert_allclose(sample(tf.constant(6), tf.constant([1, 0])), first, rtol=1e-12)
        assert np.abs(first - other).min() > 1e-6

    def test_temperature_is_a_factor_of_the_distance_from_where_cold_samples_lie(self):
        prior, seed = self.built(), tf.constant([1, 2])
        cold, half, warm = (prior.sample(50, seed, temperature).numpy() for temperature in (0.0, 0.5, 1.0))
        assert np.abs(warm - cold).max() > 0.5
        np.testing.assert_allclose(half - cold, 0.5 * (warm - cold), atol=1e-12)

    def test_distribution_follows_the_weights_and_trains_them(self):
        prior, z = self.built(), tf.constant(self.latents())
        distribution = prior.distribution()
        before = distribution.log_prob(z).numpy()
        self.move(prior)
        after = distribution.log_prob(z).numpy()
        np.testing.assert_allclose(after, prior.log_prob(z), rtol=1e-9)
        assert len(distribution.trainable_variables) == len(prior.weights)
        assert not prior.weights or np.abs(after - before).max() > 0.1

    def test_distribution_of_a_prior_that_is_not_trained_follows_it_alone(self):
        prior, z = self.built(trainable=False), tf.constant(self.latents())
        distribution = prior.distribution()
        assert distribution.trainable_variables == ()
        self.move(prior)
        np.testing.assert_allclose(distribution.log_prob(z), prior.log_prob(z), rtol=1e-9)

    def test_gradients_reach_every_weight(self):
        prior, z = self.built(), tf.constant(self.latents())
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(prior.log_prob(z))
        for gradient in tape.gradient(loss, [weight.value for weight in prior.trainable_weights]):
            assert np.abs(gradient.numpy()).max() > 1e-6

    def test_precision_is_float32_at_least(self):
        z = self.latents().astype("float32")
        wide = self.built()(z.astype("float64"))
        assert wide.dtype == "float64"
        for policy in ("float32", "mixed_bfloat16", "mixed_float16"):
            prior = self.built(policy)
            found = [prior(z), prior.sample(2, tf.constant([0, 1])), *prior.moments()]
            assert {value.dtype.name for value in found} == {"float32"}
            np.testing.assert_allclose(found[0], wide, rtol=2e-5)  # of float32; bfloat16 would be off by 4e-3

    def test_config_holds_json_and_gives_the_prior_back(self):
        for trainable in (True, False):
            prior = self.make(trainable=trainable)
            config = json.loads(json.dumps(prior.get_config()))
            again = type(prior).from_config(config)
            assert again.get_config() == prior.get_config()
            assert again.trainable is trainable

    def test_shape_is_declared(self):
        prior = self.built("float32")
        assert prior.compute_output_shape((7, self.dimension)) == (7,)
        spec = prior.compute_output_spec(keras.KerasTensor((None, self.dimension)))
        assert (spec.shape, spec.dtype) == ((None,), "float32")

    def test_flow_with_it_is_saved_and_exactly_loaded(self, tmp_path):
        for trainable in (True, False):
            flow = ki.Flow(ki.layers.Chain([]), (self.dimension,), prior=self.make(trainable=trainable))
            self.move(flow.prior)
            flow.save(tmp_path / "flow.keras")
            loaded = keras.saving.load_model(tmp_path / "flow.keras")
            assert type(loaded.prior) is type(flow.prior)
            assert loaded.prior.trainable is trainable
            z = self.latents().astype("float32")
            np.testing.assert_array_equal(loaded.log_prob(z), flow.log_prob(z))
            np.testing.assert_array_equal(loaded.sample(3, seed=1), flow.sample(3, seed=1))
