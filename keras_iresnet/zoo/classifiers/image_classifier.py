"""The invertible classifier of images, of which the classifiers of named data sets are sizes."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_iresnet import layers
from keras_iresnet.layers.precision import check_full_precision
from keras_iresnet.models import Classifier
from keras_iresnet.models.batch_norm import batch_norm
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.registry import register
from keras_iresnet.zoo.scales import checked_blocks, for_each_scale, squeezes_of
from keras_iresnet.zoo.variants import variant_of

__all__ = ["image_classifier"]

NORMALIZATIONS = ("act", "batch", "none")

# Of data of any size: early stopping ends it where there are few, the clock where there are many.
RECIPE = Recipe(
    epochs=200,
    minutes=4,  # a first look
    patience=30,
    batch_size=64,
    learning_rate=0.01,
    warmup_steps=20,
    ema_momentum=0.99,
)


@register(RECIPE, task="classification", from_data=("event_shape", "num_classes", "bins"))
def image_classifier(
    event_shape: Sequence[int],
    num_classes: int,
    *,
    bins: int = 256,
    blocks: tuple[int, ...] = (3, 3, 3),
    channels: int | tuple[int, ...] = 32,
    strides: tuple[int, ...] | None = None,
    initial_squeeze: bool = False,
    pad_channels: int = 4,
    activation: str = "elu",
    coeff: float | None = 0.9,
    normalization: str = "act",
    power_iterations: int = 1,
    dropout: float = 0.0,
    seed: int | None = None,
) -> Classifier:
    """A classifier of integer images (batch, *event_shape) whose features determine the image.

    Pixels are scaled to [0, 1], then to mean 0 and variance 1 in each channel; zero channels are appended; residual
    blocks follow, with a squeeze where the grid halves: Behrmann et al., ICML 2019, section 5.1.

    Args:
        event_shape: (height, width, channels) of an image.
        num_classes: how many classes.
        bins: values of a pixel.
        blocks: residual blocks of each scale.
        channels: hidden channels of each residual branch (kernels 3x3, 1x1, 3x3): one integer, or one for each scale.
        strides: 1 or 2 for each scale: whether a squeeze, which halves height and width, stands before its blocks. By
            default a scale squeezes where both sides are even.
        initial_squeeze: whether one more squeeze stands before the padding.
        pad_channels: zero channels appended before the first scale; 0 for none.
        activation: 1-Lipschitz activation, see `LipschitzActivation`.
        coeff: bound of each layer's norm, in (0, 1), or none: the same architecture without constraint ("vanilla"),
            which may be invertible or not.
        normalization: `"act"`, an ActNorm before each block; `"batch"`, batch normalisation before each nonlinearity,
            as in the paper's baseline, for `coeff` none alone, since it would undo the bound; or `"none"`.
        power_iterations: steps of the power iteration in each training step.
        dropout: share of the last hidden activations of each branch that a training step sets to 0, in [0, 1).
        seed: seed of the weights.

    Raises:
        ValueError: a keyword that cannot be, `strides` that the image's sides do not allow, or `normalization="batch"`
            under a mixed precision policy.

    Example:
    >>> import keras_iresnet as ki
    >>> clf = ki.zoo.image_classifier((12, 20, 3), 5, blocks=(1, 1), channels=8)
    >>> clf.feature_shape, clf.num_classes
    ((3, 5, 112), 5)
    """
    blocks = checked_blocks(blocks)
    _check_normalization(normalization, coeff, dropout)
    if seed is not None:
        keras.utils.set_random_seed(seed)
    sides = [side // 2 if initial_squeeze else side for side in event_shape[:2]]
    widths, squeezes = for_each_scale("channels", channels, blocks), squeezes_of(strides, sides, blocks)
    options = {"coeff": coeff, "activation": activation, "power_iterations": power_iterations, "dropout": dropout}
    # Standardised by numbers of the data set, which training leaves alone.
    chain = [layers.ActNorm(trainable=False, name="standardize")]
    chain += [layers.Squeeze()] if initial_squeeze else []
    chain += [layers.InjectivePad(pad_channels)] if pad_channels else []
    count = event_shape[-1] * (4 if initial_squeeze else 1) + pad_channels
    for scale, (width, squeeze) in enumerate(zip(widths, squeezes, strict=True)):
        chain += [layers.Squeeze()] if squeeze else []
        count *= 4 if squeeze else 1
        for block in range(blocks[scale]):
            # A nonlinearity in front of the very first block would cost it the sign of what it sees.
            options["preactivate"] = scale + block > 0
            branch = _batch_norm_branch if normalization == "batch" else _branch
            chain += [layers.ActNorm()] if normalization == "act" else []
            chain += [layers.InvertibleResidualBlock(branch(width, count, **options))]
    return Classifier(layers.Chain(chain), event_shape, num_classes, bins=bins)


def variant(**defaults: Any) -> Callable[[Callable[..., Classifier]], Callable[..., Classifier]]:
    """Decorator of a builder `(**keywords)` of an `image_classifier` for one data set, with defaults of its own.

    What belongs to the data, the shape of an image, its `bins` and the number of classes, is for the builder to set.
    """
    return variant_of(image_classifier, ("event_shape", "num_classes", "bins"), defaults)


def _branch(width, count, **options):
    del count  # the branch sees it
    return layers.ConvBranch(width, **options)


def _batch_norm_branch(width, count, *, preactivate, activation, power_iterations, dropout, coeff):
    """The unconstrained branch with batch normalisation before each nonlinearity."""
    del power_iterations, dropout, coeff
    parts = []
    for i, (filters, side) in enumerate(zip((width, width, count), (3, 1, 3), strict=True)):
        if i > 0 or preactivate:
            parts += [batch_norm(), layers.LipschitzActivation(activation)]
        parts += [layers.SpectralConv2D(filters, side, coeff=None)]
    return keras.Sequential(parts)


def _check_normalization(normalization, coeff, dropout):
    if normalization not in NORMALIZATIONS:
        raise ValueError(
            f"`normalization` must be one of {', '.join(NORMALIZATIONS)}. Received: normalization={normalization!r}"
        )
    if normalization == "batch" and (coeff is not None or dropout):
        raise ValueError(
            "`normalization='batch'` is for `coeff` none and no dropout: its scales would undo the bound. "
            f"Received: coeff={coeff!r}, dropout={dropout!r}"
        )
    if normalization == "batch":
        check_full_precision("A classifier with `normalization='batch'`", keras.config.dtype_policy())
