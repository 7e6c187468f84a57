"""Variational inference of a banana by reverse KL, samples drawn through the inverse: `python scripts/vi_banana.py`."""

import json

import click
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import keras_iresnet as ki

tfb, tfd = tfp.bijectors, tfp.distributions
GRID = np.stack(np.meshgrid(np.linspace(-11, 11, 331), np.linspace(-6, 26, 481)), -1).astype("float32")
CELL = 22 / 330 * 32 / 480


def banana(x):
    """Log-density of x_1 ~ N(0, 2^2), x_2 ~ N(x_1^2 / 4, 1)."""
    return tfd.Normal(0.0, 2.0).log_prob(x[..., 0]) + tfd.Normal(x[..., 0] ** 2 / 4, 1.0).log_prob(x[..., 1])


def run(blocks=4, units=(32, 32), steps=2000, sample_size=256, learning_rate=0.01, seed=0, out=None):
    """Fit the flow; KL(q || p) before and after by quadrature, in nats."""
    keras.utils.set_random_seed(seed)
    chain = [ki.layers.ActNorm()]
    for _ in range(blocks):
        branch = ki.layers.DenseBranch(units, activation="lipswish")
        chain += [ki.layers.InvertibleResidualBlock(branch, estimator=ki.ExactLogDet()), ki.layers.ActNorm()]
    bijector = ki.InvertibleResNetBijector(ki.layers.Chain(chain), event_shape=(2,), training=True)
    normal = tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    surrogate = tfd.TransformedDistribution(normal, tfb.Invert(bijector))
    log_q = [surrogate.log_prob(GRID).numpy()]
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps))
    optimizer.build(surrogate.trainable_variables)
    fit = tf.function(tfp.vi.fit_surrogate_posterior, autograph=False)
    fit(banana, surrogate, optimizer, steps, sample_size=sample_size, seed=(seed, 1))
    ki.layers.converge_power_iterations(bijector.layer)
    log_q.append(surrogate.log_prob(GRID).numpy())
    before, after = (float(np.sum(np.exp(one) * (one - banana(GRID))) * CELL) for one in log_q)
    if out:
        _, axes = plt.subplots(1, 2, figsize=(8, 4), sharex=True, sharey=True, layout="constrained")
        for axis, log_density, title in zip(axes, (banana(GRID), log_q[1]), ("banana", "flow"), strict=True):
            axis.contour(GRID[..., 0], GRID[..., 1], np.exp(log_density), 12)
            axis.set(title=title, xlim=(-7, 7), ylim=(-4, 13))
        plt.savefig(out, dpi=100)
    return {"kl_nats": after, "kl_before_training_nats": before, "steps": steps, "sample_size": sample_size}


@click.command()
@click.option("--steps", default=2000, show_default=True)
@click.option("--out", default="banana.png", show_default=True)
def main(**options):
    print(json.dumps(run(**options)))


if __name__ == "__main__":
    main()
