"""The multi-scale flow over images, of which the flows of named data sets are sizes."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_iresnet import layers, priors
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import LogDetEstimator
from keras_iresnet.zoo.block_kinds import check_kinds, image_branch, make_block, vector_branch
from keras_iresnet.zoo.dequantizers import make_dequantizer
from keras_iresnet.zoo.log_dets import estimator_from
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.registry import register
from keras_iresnet.zoo.scales import checked_blocks, for_each_scale, squeezes_of
from keras_iresnet.zoo.variants import variant_of

__all__ = ["image_flow"]

PIXEL_TRANSFORMS = {  # by the number of values of a pixel
    "logit": lambda bins, alpha: layers.Logit(alpha),
    "center": lambda bins, alpha: layers.Center(0.5),
    "gaussianize": lambda bins, alpha: layers.Gaussianize(bins),
}

# Of data of any size: early stopping ends it where there are few, the clock where there are many.
RECIPE = Recipe(
    epochs=200,
    minutes=4,  # a first look
    patience=15,
    batch_size=64,
    learning_rate=0.004,
    warmup_steps=20,
    ema_momentum=0.99,
)


@register(RECIPE, from_data=("event_shape", "bins", "classes"))
def image_flow(
    event_shape: Sequence[int],
    *,
    bins: int = 256,
    blocks: tuple[int, ...] = (8, 8, 8),
    block: str = "residual",
    branch: str = "resnet",
    depth: int | None = None,
    channels: int | tuple[int, ...] = 32,
    dense_blocks: int = 0,
    dense_units: int = 32,
    strides: tuple[int, ...] | None = None,
    initial_squeeze: bool = False,
    multi_scale: bool = True,
    act_norm: bool = True,
    pixel_transform: str = "logit",
    logit_alpha: float = 1e-6,
    dequantization: str = "uniform",
    activation: str = "elu",
    coeff: float = 0.9,
    power_iterations: int = 1,
    dropout: float = 0.0,
    log_det: str | LogDetEstimator = "series",
    num_terms: int = 5,
    num_probes: int = 1,
    learned_prior: bool = True,
    trained_prior: bool = True,
    prior_components: int = 1,
    prior_factors: int = 0,
    prior_tails: str = "normal",
    conditional: bool = False,
    classes: int = 10,
    seed: int | None = None,
) -> Flow:
    """A multi-scale flow over integer images (batch, *event_shape): Behrmann et al., ICML 2019, section 5.2.

    Args:
        event_shape: (height, width, channels) of an image.
        bins: values of a pixel.
        blocks: blocks of each scale.
        block: what is made of a branch g: `"residual"`, x + g(x); `"implicit"`, x + g(x) = z + h(z) for two branches a
            block; or `"monotone"`, whose forward map is solved for too. See the layers of these names.
        branch: `"resnet"`, kernels 3x3, 1x1, 3x3; or `"densenet"`, `DenseNetBranch`, whose layers see all before them.
        depth: hidden layers of a branch, 2 by default, or concatenations of a DenseNet, 3 by default.
        channels: hidden channels of each branch, or the growth of a DenseNet: one integer, or one for each scale.
        dense_blocks: residual blocks after those of the last scale that see all of its latents at once, as a vector,
            so that parts of an image that are far apart meet. Residual Flows (Chen et al., NeurIPS 2019) end so.
        dense_units: units of each hidden layer of their branches; of DenseNets the growth, behind a stem of twice it.
        strides: 1 or 2 for each scale: whether a squeeze, which halves height and width, stands before its blocks. By
            default a scale squeezes where both sides are even.
        initial_squeeze: whether one more squeeze stands before the first scale.
        multi_scale: whether half of the channels leave for the latents after each scale but the last.
        act_norm: whether an ActNorm stands before each block.
        pixel_transform: what pixels go through first: `"logit"`, or `"center"`, x - 1/2 as in the authors' code, or
            `"gaussianize"`, `layers.Gaussianize`, which the flow's `initialize` fits to the images that it sees: for
            images many of whose pixels have one value of 256, such as a black background. With the 17 values of
            `digits_flow` a logit does better.
        logit_alpha: distance from 0 and 1 that the logit keeps, in (0, 0.5); 0.05 is usual for photographs.
        dequantization: `"uniform"`; or `"variational"`, noise by a conditional flow of its own, which is trained along.
            Bits/dim of training and validation are then a bound; `evaluate` reports it beside those of uniform noise.
        activation: 1-Lipschitz activation, see `LipschitzActivation`.
        coeff: bound of each layer's norm, in (0, 1).
        power_iterations: steps of the power iteration in each training step.
        dropout: share of the last hidden activations of each branch that a training step sets to 0, in [0, 1).
        log_det: how training takes log-determinants: `"series"`, cut after `num_terms`; `"roulette"`, without bias;
            `"exact"`, for small images; in Python an estimator, too, as `ki.RouletteLogDet(rate=0.9)`.
        num_terms: terms of the log-det series in training.
        num_probes: random vectors of the trace estimator in training.
        learned_prior: whether the prior's mean and scale are learned, or stay 0 and 1.
        trained_prior: whether training moves the prior on from where the first images put it.
        prior_components: how many Gaussians of one scale the prior is a mixture of; each wants ten of the images that
            initialise it, or more.
        prior_factors: in how many directions of its own each of these Gaussians is wider than that scale.
        prior_tails: `"normal"`; or `"student"`, heavy ones, for a prior of one component without factors.
        conditional: whether it is a flow of p(x | c) for class labels c, which every block sees.
        classes: number of classes of a conditional flow.
        seed: seed of weights and noise.

    Raises:
        ValueError: a keyword that cannot be, or `strides` that the image's sides do not allow.

    Example:
    >>> import keras_iresnet as ki
    >>> flow = ki.zoo.image_flow((12, 20, 3), blocks=(1, 1), channels=8)
    >>> flow.sample(4).shape
    TensorShape([4, 12, 20, 3])
    """
    blocks = checked_blocks(blocks)
    if pixel_transform not in PIXEL_TRANSFORMS:
        raise ValueError(
            f"`pixel_transform` must be one of {tuple(PIXEL_TRANSFORMS)}. Received: pixel_transform={pixel_transform!r}"
        )
    check_kinds(block, branch)
    if dense_blocks < 0:
        raise ValueError(f"`dense_blocks` must be 0 or more. Received: dense_blocks={dense_blocks}")
    if seed is not None:
        keras.utils.set_random_seed(seed)
    sides = [side // 2 if initial_squeeze else side for side in event_shape[:2]]
    widths = for_each_scale("channels", channels, blocks)
    squeezes = squeezes_of(strides, sides, blocks)
    leave = _with_channels_to_spare(event_shape[2] * (4 if initial_squeeze else 1), squeezes)
    options: dict[str, Any] = {
        "coeff": coeff,
        "activation": activation,
        "power_iterations": power_iterations,
        "dropout": dropout,
    }
    condition_size = options["condition_size"] = classes if conditional else None
    estimator = estimator_from(log_det, num_terms=num_terms, num_probes=num_probes)

    def with_norm(make_branch):
        """A block, and what stands before it."""
        made = make_block(block, make_branch, estimator)
        return [layers.ActNorm(), made] if act_norm else [made]

    def scale(index):
        """The layers of one scale and of all that follow it."""
        chain = [layers.Squeeze()] if squeezes[index] else []
        for position in range(blocks[index]):
            # A nonlinearity in front of the very first block would cost it the sign of what it sees.
            first = index + position == 0
            chain += with_norm(
                functools.partial(image_branch, branch, widths[index], depth, preactivate=not first, **options)
            )
        if index + 1 == len(blocks):
            return chain + dense()
        several = multi_scale and leave[index]
        return chain + ([layers.FactorOut(layers.Chain(scale(index + 1)))] if several else scale(index + 1))

    def dense():
        """The layers that see all of the last scale at once."""
        chain = [layers.Flatten()] if dense_blocks else []
        for _ in range(dense_blocks):
            chain += with_norm(functools.partial(vector_branch, branch, dense_units, depth, **options))
        return chain

    first = [PIXEL_TRANSFORMS[pixel_transform](bins, logit_alpha)] + [layers.Squeeze()] * initial_squeeze
    prior = priors.from_keywords(
        learned_prior=learned_prior,
        trained_prior=trained_prior,
        prior_components=prior_components,
        prior_factors=prior_factors,
        prior_tails=prior_tails,
    )
    noise = {"channels": widths[0], "coeff": coeff, "estimator": estimator}
    return Flow(
        layers.Chain(first + scale(0)),
        event_shape,
        prior=prior,
        bins=bins,
        condition_size=condition_size,
        dequantizer=make_dequantizer(dequantization, event_shape, **noise),
        seed=seed,
    )


def _with_channels_to_spare(channels, squeezes):
    """Whether each scale has two channels or more, so that half of them can leave after it."""
    found = []
    for squeeze in squeezes:
        channels *= 4 if squeeze else 1
        found.append(channels > 1)
        channels -= channels // 2
    return found


def variant(**defaults: Any) -> Callable[[Callable[..., Flow]], Callable[..., Flow]]:
    """Decorator of a builder `(**keywords)` of an `image_flow` for one data set, with defaults of its own.

    What belongs to the data, the shape of an image, its `bins` and the `classes`, is for the builder to set.
    """
    return variant_of(image_flow, ("event_shape", "bins", "classes"), defaults)
