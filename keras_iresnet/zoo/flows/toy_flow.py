"""Flows for densities in the plane, with the exact log-determinant unless told otherwise."""

import functools

import keras

from keras_iresnet import layers, priors
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import LogDetEstimator
from keras_iresnet.zoo.block_kinds import make_block
from keras_iresnet.zoo.log_dets import estimator_from
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.registry import register

__all__ = ["toy_flow"]

RECIPE = Recipe(
    dataset="toy/moons",
    steps=8000,
    minutes=9.5,
    batch_size=500,
    optimizer="adam",
    learning_rate=0.006,
    warmup_steps=20,
    decay="cosine",
)


@register(RECIPE)
def toy_flow(
    *,
    blocks: int = 16,
    block: str = "residual",
    units: tuple[int, ...] = (64, 64, 64),
    coeff: float = 0.97,
    activation: str = "lipswish",
    power_iterations: int = 1,
    log_det: str | LogDetEstimator = "exact",
    learned_prior: bool = True,
    seed: int | None = None,
) -> Flow:
    """A flow over points (batch, 2), with the exact log-determinant unless told otherwise.

    Which points it is trained on is for the recipe to say: `keras-iresnet train toy_flow --dataset toy/checkerboard`.

    Args:
        blocks: how many, an ActNorm before each and after the last.
        block: what is made of a branch g: `"residual"`, x + g(x); `"implicit"`, x + g(x) = z + h(z) for two branches a
            block; or `"monotone"`, whose forward map is solved for too. See the layers of these names.
        units: hidden units of each residual branch, one per hidden layer.
        coeff: bound of each layer's norm, in (0, 1).
        activation: 1-Lipschitz activation, see `LipschitzActivation`.
        power_iterations: steps of the power iteration in each training step.
        log_det: how training takes log-determinants: `"exact"`, `"series"`, `"roulette"`, or an estimator.
        learned_prior: whether the prior's mean and scale are trained.
        seed: seed of weights and noise.

    Raises:
        ValueError: a keyword that cannot be.

    Example:
    >>> import keras_iresnet as ki
    >>> flow = ki.zoo.toy_flow(blocks=2)
    >>> flow.sample(5).shape
    TensorShape([5, 2])
    """
    if seed is not None:
        keras.utils.set_random_seed(seed)
    estimator = estimator_from(log_det)
    chain = [layers.ActNorm()]
    for i in range(blocks):
        # A nonlinearity in front of the first block would cost it the sign of what it sees.
        branch = functools.partial(
            layers.DenseBranch,
            units,
            coeff=coeff,
            activation=activation,
            power_iterations=power_iterations,
            preactivate=i > 0,
        )
        chain += [make_block(block, branch, estimator), layers.ActNorm()]
    prior = priors.from_keywords(learned_prior=learned_prior)
    return Flow(layers.Chain(chain), (2,), prior=prior, seed=seed)
