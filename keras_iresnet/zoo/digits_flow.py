"""A multi-scale flow for scikit-learn's 8x8 digits: trains in minutes on a laptop."""

import keras

from keras_iresnet import layers
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import SeriesLogDet
from keras_iresnet.zoo.recipe import Recipe

RECIPE = Recipe(
    dataset="digits",
    epochs=55,
    batch_size=64,
    learning_rate=0.015,
    warmup_steps=20,
    decay="cosine",
    parameters=178_608,
    expected="2.059 +- 0.011 bits/dim on the test split, 9 minutes on two shared CPU cores",
    reference="Behrmann et al., ICML 2019, at the size of an 8x8 image",
)


def digits_flow(
    *,
    blocks=(8, 8),
    channels=64,
    coeff=0.9,
    activation="elu",
    num_terms=5,
    num_probes=1,
    power_iterations=1,
    learned_prior=True,
    seed=None,
):
    """A flow over integer images (batch, 8, 8, 1) with 17 values a pixel.

    Args:
        blocks: residual blocks of each scale, one or two of them; each scale starts with a squeeze.
        channels: hidden channels of each residual branch.
        coeff: bound of each layer's norm, in (0, 1).
        activation: 1-Lipschitz activation, see `LipschitzActivation`.
        num_terms: terms of the log-det series in training.
        num_probes: random vectors of the trace estimator in training.
        power_iterations: steps of the power iteration in each training step.
        learned_prior: whether the prior's mean and scale are trained.
        seed: seed of weights and noise.

    Example:
    >>> import keras_iresnet as ki
    >>> flow = ki.zoo.digits_flow(blocks=(1, 1), channels=8)
    >>> flow.sample(4).shape
    TensorShape([4, 8, 8, 1])
    """
    if len(blocks) not in (1, 2) or min(blocks) < 1:
        raise ValueError(f"`blocks` must hold one or two numbers of at least 1. Received: blocks={blocks!r}")
    if seed is not None:
        keras.utils.set_random_seed(seed)
    branch = {"channels": channels, "coeff": coeff, "activation": activation, "power_iterations": power_iterations}
    estimator = SeriesLogDet(num_terms, num_probes)
    chain = layers.Chain([layers.Logit(), _multi_scale(blocks, branch, estimator)])
    return Flow(chain, (8, 8, 1), bins=17, learned_prior=learned_prior, seed=seed)


def _multi_scale(blocks, branch, estimator):
    scale = [layers.Squeeze()]
    for _ in range(blocks[0]):
        scale += [
            layers.ActNorm(),
            layers.InvertibleResidualBlock(layers.ConvBranch(**branch), estimator=estimator),
        ]
    if blocks[1:]:
        return layers.Chain([*scale, layers.FactorOut(_multi_scale(blocks[1:], branch, estimator))])
    return layers.Chain([*scale, layers.ActNorm()])
