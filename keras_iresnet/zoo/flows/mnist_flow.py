"""Flows for MNIST's 28x28 grey images: the paper's size, and one for a laptop.

28 is halved twice, 28 -> 14 -> 7; the third scale stays at 7x7. Bits/dim are over the 784 true pixels (the authors'
code repeats the image to three channels and counts those).
"""

from typing import Any

from keras_iresnet.models import Flow
from keras_iresnet.zoo.flows.image_flow import image_flow, variant
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.registry import register

__all__ = ["mnist_flow", "mnist_flow_small"]

RECIPE = Recipe(
    dataset="mnist",
    epochs=200,
    batch_size=128,
    learning_rate=0.003,
    warmup_epochs=1,
    ema_momentum=0.999,
)
SMALL_RECIPE = Recipe(
    dataset="mnist",
    minutes=23,
    steps_per_epoch=5000,
    validation_examples=1000,
    batch_size=4,
    learning_rate=0.02,
    warmup_steps=200,
    decay="cosine",
    ema_momentum=0.999,
)

PAPER = {"blocks": (32, 32, 32), "channels": 32, "num_terms": 10, "power_iterations": 5}
# All channels stay, most blocks have the larger grid, the bound is loose: each learns faster by the minute, as do small
# batches at a high rate. Cut after 6 terms, the series let training gain 0.03 bits/dim that were not there; 3 more cost
# a tenth of the time.
SMALL = {"blocks": (14, 6), "channels": (32, 64), "multi_scale": False, "coeff": 0.97, "num_terms": 9}
# One run each, of 2,000 steps: LipSwish gains 0.025 bits/dim on ELU and the dense blocks 0.016 more, behind a logit.
# Gaussianized pixels, by a first version of the layer, gain 0.134 with dense blocks and 0.143 without.
SMALL_OF_DIGITS = SMALL | {
    "dense_blocks": 12,
    "dense_units": 32,
    "activation": "lipswish",
    "pixel_transform": "gaussianize",
    # From one Gaussian samples fall apart. To viewers 13 to 15 of 64 were no digits from a hundred round components,
    # trained along (1.08 bits/dim), 5 where these have factors (1.11), 3 where they stay (1.15): one run each.
    "prior_components": 100,
    "prior_factors": 8,
    "trained_prior": False,
}


@register(RECIPE)
@variant(**PAPER)
def mnist_flow(**keywords: Any) -> Flow:
    """The paper's flow over MNIST images (batch, 28, 28, 1): 3 scales of 32 blocks, 32 channels, 10 terms.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.mnist_flow(blocks=(1, 1, 1), channels=8).event_shape
    (28, 28, 1)
    """
    return image_flow((28, 28, 1), **keywords)


@register(SMALL_RECIPE)
@variant(**SMALL_OF_DIGITS)
def mnist_flow_small(**keywords: Any) -> Flow:
    """A flow over MNIST images (batch, 28, 28, 1) that trains in half an hour on two CPU cores.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.mnist_flow_small(blocks=(1, 1), channels=8, dense_blocks=1).event_shape
    (28, 28, 1)
    """
    return image_flow((28, 28, 1), **keywords)
