"""Flows for densities in the plane, with the exact log-determinant."""

import keras

from keras_iresnet import layers, priors
from keras_iresnet.data import toys
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import ExactLogDet
from keras_iresnet.zoo.recipe import Recipe

RECIPE = Recipe(
    dataset="toy/moons",
    steps=8000,
    minutes=9.5,
    batch_size=500,
    optimizer="adam",
    learning_rate=0.006,
    warmup_steps=20,
    decay="cosine",
    parameters=138_407,
    expected="-3.609 +- 0.002 nats on checkerboard in 3 to 9 minutes on two CPU cores",
    reference="Behrmann et al., ICML 2019, figure 5, with fewer blocks",
)


def toy_flow(
    dataset="toy/moons",
    *,
    blocks=16,
    units=(64, 64, 64),
    coeff=0.97,
    activation="lipswish",
    power_iterations=1,
    learned_prior=True,
    seed=None,
):
    """A flow over points (batch, 2), with the exact log-determinant.

    Args:
        dataset: the toy it is meant for, such as `"moons"` or `"toy/moons"`: `train` fits it to those points. The
            architecture is the same for all.
        blocks: residual blocks, an ActNorm before each and after the last.
        units: hidden units of each residual branch, one per hidden layer.
        coeff: bound of each layer's norm, in (0, 1).
        activation: 1-Lipschitz activation, see `LipschitzActivation`.
        power_iterations: steps of the power iteration in each training step.
        learned_prior: whether the prior's mean and scale are trained.
        seed: seed of weights and noise.

    Raises:
        ValueError: there is no such toy.

    Example:
    >>> import keras_iresnet as ki
    >>> flow = ki.zoo.toy_flow("checkerboard", blocks=2)
    >>> flow.sample(5).shape
    TensorShape([5, 2])
    """
    known = toys.names()
    if dataset.removeprefix("toy/") not in known:
        raise ValueError(f"`dataset` must be one of {', '.join(known)}. Received: dataset={dataset!r}")
    if seed is not None:
        keras.utils.set_random_seed(seed)
    chain = [layers.ActNorm()]
    for i in range(blocks):
        # A nonlinearity in front of the first block would cost it the sign of what it sees.
        branch = layers.DenseBranch(
            units, coeff=coeff, activation=activation, power_iterations=power_iterations, preactivate=i > 0
        )
        chain += [layers.InvertibleResidualBlock(branch, estimator=ExactLogDet()), layers.ActNorm()]
    prior = priors.from_keywords(learned_prior=learned_prior)
    return Flow(layers.Chain(chain), (2,), prior=prior, seed=seed)
