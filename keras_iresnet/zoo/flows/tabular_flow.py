"""Densities of the rows of a table: for dozens to millions of rows, of up to some hundred columns."""

import functools

import keras

from keras_iresnet import layers, priors
from keras_iresnet.layers.elementwise.column_ranges import ColumnRanges
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import LogDetEstimator
from keras_iresnet.zoo.block_kinds import make_block
from keras_iresnet.zoo.log_dets import estimator_from
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.registry import register

__all__ = ["tabular_flow"]

EXACT_FEATURES = 32  # up to which a full Jacobian costs less than the noise of probes
MOST_FACTORS = 16

# Early stopping ends it where there are few rows, the clock where there are many.
RECIPE = Recipe(
    epochs=1000,
    minutes=10,
    patience=30,
    batch_size=512,
    optimizer="adam",
    learning_rate=0.005,
    warmup_steps=100,
    decay="cosine",
    weight_decay=0.01,
    clip_norm=10.0,
    ema_momentum=0.99,
)


@register(RECIPE, from_data=("features", "condition_size", "positive", "bounds"))
def tabular_flow(
    features: int,
    *,
    blocks: int = 6,
    block: str = "residual",
    units: tuple[int, ...] = (64, 64),
    coeff: float = 0.95,
    activation: str = "lipswish",
    power_iterations: int = 1,
    dropout: float = 0.0,
    log_det: str | LogDetEstimator | None = None,
    num_terms: int = 8,
    num_probes: int = 1,
    prior_components: int = 1,
    prior_factors: int | None = None,
    prior_tails: str = "normal",
    conditional: bool = False,
    condition_size: int = 1,
    positive: tuple[int, ...] = (),
    bounds: tuple[tuple[int, float, float], ...] = (),
    seed: int | None = None,
) -> Flow:
    """A flow over the rows of a table (batch, features), in the units of its columns.

    Columns are standardised inside, by an ActNorm that is set from the first rows; the prior begins as the Gaussian of
    what that leaves, correlations included, so that training starts from the density of a Gaussian fit. Densities and
    samples are of the columns as they are.

    Args:
        features: columns of a row.
        blocks: how many, an ActNorm before each and after the last.
        block: what is made of a branch g: `"residual"`, x + g(x); `"implicit"`, x + g(x) = z + h(z) for two branches a
            block; or `"monotone"`, whose forward map is solved for too. See the layers of these names.
        units: hidden units of each residual branch, one per hidden layer.
        coeff: bound of each layer's norm, in (0, 1).
        activation: 1-Lipschitz activation, see `LipschitzActivation`.
        power_iterations: steps of the power iteration in each training step.
        dropout: share of the last hidden activations of each branch that a training step sets to 0, in [0, 1).
        log_det: how training takes log-determinants: `"exact"`; `"series"`, cut after `num_terms`; `"roulette"`, which
            has no bias; or an estimator. `None` is exact up to 32 columns, and the series beyond.
        num_terms: terms of the log-det series in training.
        num_probes: random vectors of the trace estimator in training.
        prior_components: how many Gaussians the prior is a mixture of; each wants ten of the rows that initialise it,
            or more.
        prior_factors: in how many directions of its own each of these Gaussians is wider than a common scale; `None`
            for all of up to 17 columns, and 16 beyond.
        prior_tails: `"normal"`; or `"student"`, heavy ones, for a prior of one component without factors.
        conditional: whether it is a flow of p(x | c), for classes c or other columns, which every block sees.
        condition_size: number of classes, or of other columns, of a conditional flow.
        positive: indices of columns that are above 0, whose logarithm the flow sees.
        bounds: (index, lower, upper) of columns that lie between two numbers, whose logit between them it sees.
        seed: seed of weights and noise.

    Raises:
        ValueError: a keyword that cannot be.

    Example:
    >>> import keras_iresnet as ki
    >>> flow = ki.zoo.tabular_flow(5, blocks=2)
    >>> flow.sample(3).shape
    TensorShape([3, 5])
    """
    if features < 1:
        raise ValueError(f"`features` must be at least 1. Received: features={features}")
    if seed is not None:
        keras.utils.set_random_seed(seed)
    size = condition_size if conditional else None
    if log_det is None:
        log_det = "exact" if features <= EXACT_FEATURES else "series"
    estimator = estimator_from(log_det, num_terms=num_terms, num_probes=num_probes)
    chain = [ColumnRanges(positive, bounds)] if positive or bounds else []
    chain += [layers.ActNorm(name="standardize")]
    for i in range(blocks):
        branch = functools.partial(
            layers.DenseBranch,
            units,
            coeff=coeff,
            activation=activation,
            power_iterations=power_iterations,
            dropout=dropout,
            condition_size=size,
            preactivate=i > 0,  # a nonlinearity in front of the first block would cost it the sign of what it sees
        )
        chain += [make_block(block, branch, estimator), layers.ActNorm()]
    factors = min(features - 1, MOST_FACTORS) if prior_factors is None else prior_factors
    prior = priors.from_keywords(prior_components=prior_components, prior_factors=factors, prior_tails=prior_tails)
    return Flow(layers.Chain(chain), (features,), prior=prior, condition_size=size, seed=seed)
