"""HMC on a funnel, plain and preconditioned by a flow (NeuTra, arXiv:1903.03704): `python scripts/neutra_funnel.py`."""

import json

import keras
import tensorflow as tf
import tensorflow_probability as tfp

import keras_iresnet as ki

tfd = tfp.distributions


def funnel(x):
    """Log-density of Neal's funnel (2003) in the plane: v ~ N(0, 3^2), x ~ N(0, exp(v))."""
    return tfd.Normal(0.0, 3.0).log_prob(x[..., 0]) + tfd.Normal(0.0, tf.exp(x[..., 0] / 2)).log_prob(x[..., 1])


def sample(draws, chains, leapfrogs, bijector=None):
    """Effective draws of v for a thousand gradients, and the deviation of v, which is 3."""
    kernel = tfp.mcmc.HamiltonianMonteCarlo(funnel, step_size=0.3, num_leapfrog_steps=leapfrogs)
    if bijector is not None:
        kernel = tfp.mcmc.TransformedTransitionKernel(kernel, bijector)
    kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(kernel, draws // 2, target_accept_prob=0.8)
    run_chains = tf.function(tfp.mcmc.sample_chain, autograph=False)
    options = {"num_burnin_steps": draws, "trace_fn": None, "seed": (1, 2)}
    states = run_chains(draws, tf.zeros((chains, 2)), kernel=kernel, **options)
    effective = tfp.mcmc.effective_sample_size(states, cross_chain_dims=1)
    per_thousand = 1000 * float(effective[0]) / (draws * chains * leapfrogs)
    return {"effective_per_1000_gradients": per_thousand, "deviation_of_v": float(tf.math.reduce_std(states[..., 0]))}


def run(blocks=4, units=(32, 32), steps=2000, learning_rate=0.01, draws=1000, chains=32, leapfrogs=4, seed=0):
    """Fit the flow by reverse KL, then run HMC without it and with it."""
    keras.utils.set_random_seed(seed)
    chain = [ki.layers.ActNorm()]
    for _ in range(blocks):
        branch = ki.layers.DenseBranch(units, activation="lipswish", coeff=0.97)
        chain += [ki.layers.InvertibleResidualBlock(branch, estimator=ki.ExactLogDet()), ki.layers.ActNorm()]
    training = ki.InvertibleResNetBijector(ki.layers.Chain(chain), event_shape=(2,), training=True)
    surrogate = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2)), training)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps))
    optimizer.build(surrogate.trainable_variables)
    fit = tf.function(tfp.vi.fit_surrogate_posterior, autograph=False)
    fit(funnel, surrogate, optimizer, steps, sample_size=256, seed=(seed, 1))
    ki.layers.converge_power_iterations(training.layer)
    trained = ki.InvertibleResNetBijector(training.layer)
    return {"hmc": sample(draws, chains, leapfrogs), "neutra": sample(draws, chains, leapfrogs, trained)}


if __name__ == "__main__":
    print(json.dumps(run()))
