"""The posterior of the eight schools by reverse KL, checked by long HMC: `python scripts/vi_eight_schools.py`."""

import json

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import keras_iresnet as ki

tfd = tfp.distributions
EFFECTS = tf.constant([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])  # Rubin, 1981: points of a test, eight schools
ERRORS = tf.constant([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def log_posterior(x):
    """Of x = (mean effect, log of the effects' deviation, eight standardised effects), up to a constant."""
    mean, log_deviation, standard = x[..., :1], x[..., 1:2], x[..., 2:]
    deviation = tf.exp(log_deviation)
    prior = tfd.Normal(0.0, 5.0).log_prob(mean) + tfd.HalfCauchy(0.0, 5.0).log_prob(deviation) + log_deviation
    parts = tfd.Normal(0.0, 1.0).log_prob(standard) + tfd.Normal(mean + deviation * standard, ERRORS).log_prob(EFFECTS)
    return prior[..., 0] + tf.reduce_sum(parts, -1)


def hmc(draws, chains, leapfrogs=8):
    """Draws (draws, chains, 10) after a quarter as many more to find the step size."""
    kernel = tfp.mcmc.HamiltonianMonteCarlo(log_posterior, step_size=0.3, num_leapfrog_steps=leapfrogs)
    kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(kernel, draws // 5, target_accept_prob=0.85)
    sample = tf.function(tfp.mcmc.sample_chain, autograph=False)
    return sample(draws, tf.zeros((chains, 10)), kernel=kernel, num_burnin_steps=draws // 4, trace_fn=None, seed=(1, 2))


def run(blocks=4, units=(64, 64), steps=2500, sample_size=256, learning_rate=0.005, draws=2000, chains=50, seed=0):
    """Fit the flow; largest errors of means, in posterior deviations, and of deviations, in parts of them."""
    keras.utils.set_random_seed(seed)
    branches = [ki.layers.DenseBranch(units, activation="lipswish") for _ in range(blocks)]
    parts = [ki.layers.InvertibleResidualBlock(branch, estimator=ki.ExactLogDet()) for branch in branches]
    chain = [layer for part in parts for layer in (part, ki.layers.ActNorm())]
    bijector = ki.InvertibleResNetBijector(ki.layers.Chain(chain), event_shape=(10,), training=True)
    surrogate = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros(10), tf.ones(10)), bijector)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps))
    optimizer.build(surrogate.trainable_variables)
    fit = tf.function(tfp.vi.fit_surrogate_posterior, autograph=False)
    fit(log_posterior, surrogate, optimizer, steps, sample_size=sample_size, seed=(seed, 1))
    ki.layers.converge_power_iterations(bijector.layer)
    states, samples = hmc(draws, chains), surrogate.sample(100_000, seed=(seed, 2)).numpy()
    exact = states.numpy().reshape(-1, 10)
    return {
        "mean_error_deviations": float(np.max(np.abs(samples.mean(0) - exact.mean(0)) / exact.std(0))),
        "deviation_error": float(np.max(np.abs(samples.std(0) / exact.std(0) - 1))),
        "hmc_effective_samples": float(np.min(tfp.mcmc.effective_sample_size(states, cross_chain_dims=1))),
    }


if __name__ == "__main__":
    print(json.dumps(run()))
