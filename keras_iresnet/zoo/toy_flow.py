"""Flows for 2-D densities, with the exact log-determinant."""

import keras

from keras_iresnet import layers
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import ExactLogDet
from keras_iresnet.zoo.recipe import Recipe

RECIPE = Recipe(
    dataset="toy/moons",
    epochs=60,
    batch_size=500,
    optimizer="adam",
    learning_rate=0.003,
    decay="cosine",
    parameters=0,
    expected="",
    reference="Behrmann et al., ICML 2019, appendix C.3",
)


def toy_flow(
    *,
    blocks=32,
    units=(64, 64, 64),
    coeff=0.9,
    activation="elu",
    power_iterations=1,
    learned_prior=True,
    seed=None,
):
    """A flow over points (batch, 2)."""
    if seed is not None:
        keras.utils.set_random_seed(seed)
    chain = [layers.ActNorm()]
    for i in range(blocks):
        branch = layers.DenseBranch(
            units, coeff=coeff, activation=activation, power_iterations=power_iterations, preactivate=i > 0
        )
        chain += [layers.InvertibleResidualBlock(branch, estimator=ExactLogDet()), layers.ActNorm()]
    return Flow(layers.Chain(chain), (2,), learned_prior=learned_prior, seed=seed)
