"""Variational inference of a banana by reverse KL: `python scripts/vi_banana.py`."""

import json

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import keras_iresnet as ki

tfd = tfp.distributions


def banana(x):
    """Log-density of x_1 ~ N(0, 2^2), x_2 ~ N(x_1^2 / 4, 1)."""
    return tfd.Normal(0.0, 2.0).log_prob(x[..., 0]) + tfd.Normal(x[..., 0] ** 2 / 4, 1.0).log_prob(x[..., 1])


def divergence(bijector, normal):
    """KL(q || p) in nats by quadrature over the latents, whose density vanishes at the edge of the square."""
    side = np.linspace(-6, 6, 241)
    z = np.stack(np.meshgrid(side, side), -1).astype("float32")
    log_normal = normal.log_prob(z)
    excess = log_normal - bijector.forward_log_det_jacobian(z) - banana(bijector.forward(z))
    return float(np.sum(np.exp(log_normal) * excess) * (side[1] - side[0]) ** 2)


def run(blocks=6, units=(32, 32), steps=2500, sample_size=256, learning_rate=0.01, seed=0, invert=False, out=None):
    """Fit the flow, or its inverse, whose samples are fixed points; KL(q || p) before and after, in nats."""
    keras.utils.set_random_seed(seed)
    branches = [ki.layers.DenseBranch(units, activation="lipswish") for _ in range(blocks)]
    parts = [ki.layers.InvertibleResidualBlock(branch, estimator=ki.ExactLogDet()) for branch in branches]
    chain = [layer for part in parts for layer in (part, ki.layers.ActNorm())]
    bijector = view = ki.InvertibleResNetBijector(ki.layers.Chain(chain), event_shape=(2,), training=True)
    if invert:
        bijector = tfp.bijectors.Invert(view)
    normal = tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    surrogate = tfd.TransformedDistribution(normal, bijector)  # from latents to points: in one pass, or by fixed points
    before = divergence(bijector, normal)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps))
    optimizer.build(surrogate.trainable_variables)
    fit = tf.function(tfp.vi.fit_surrogate_posterior, autograph=False)
    fit(banana, surrogate, optimizer, steps, sample_size=sample_size, seed=(seed, 1))
    ki.layers.converge_power_iterations(view.layer)
    if out:
        axes = np.mgrid[-7:7:200j, -4:14:200j]
        plt.contour(
            *axes, banana(np.float32(axes.transpose(1, 2, 0))), np.arange(-10, -2), colors="black", linewidths=0.7
        )
        plt.scatter(*surrogate.sample(3000, seed=(seed, 2)).numpy().T, s=1)
        plt.savefig(out, dpi=100)
    return {"kl_nats": divergence(bijector, normal), "kl_before_training_nats": before, "steps": steps}


if __name__ == "__main__":
    print(json.dumps(run(out="banana.png")))
