"""Flows for CIFAR-10's 32x32 colour images: the authors' command, and one for a laptop."""

from typing import Any

from keras_iresnet.models import Flow
from keras_iresnet.zoo.flows.image_flow import image_flow, variant
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.registry import register

__all__ = ["cifar_flow", "cifar_flow_small"]

RECIPE = Recipe(
    dataset="cifar10",
    augmentation="shift_flip",
    epochs=200,
    batch_size=128,
    learning_rate=0.003,
    warmup_epochs=1,
)
SMALL_RECIPE = Recipe(
    dataset="cifar10",
    augmentation="shift_flip",
    epochs=20,
    batch_size=64,
    learning_rate=0.01,
    warmup_steps=50,
    decay="cosine",
    ema_momentum=0.99,
)
AUTHORS = {
    "blocks": (16, 16, 16),
    "channels": 512,
    "strides": (1, 2, 2),
    "initial_squeeze": True,
    "pixel_transform": "center",
    "power_iterations": 5,
}
SMALL = {"blocks": (8, 8, 8), "channels": 64, "activation": "lipswish"}  # which wins on digits and MNIST


@register(RECIPE)
@variant(**AUTHORS)
def cifar_flow(**keywords: Any) -> Flow:
    """The authors' flow over CIFAR-10 images (batch, 32, 32, 3); the paper's text has `blocks=(32, 32, 32)`.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.cifar_flow(blocks=(1, 1, 1), channels=8).event_shape
    (32, 32, 3)
    """
    return image_flow((32, 32, 3), **keywords)


@register(SMALL_RECIPE)
@variant(**SMALL)
def cifar_flow_small(**keywords: Any) -> Flow:
    """A flow over CIFAR-10 images (batch, 32, 32, 3) for a laptop.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.cifar_flow_small(blocks=(1, 1, 1), channels=8).event_shape
    (32, 32, 3)
    """
    return image_flow((32, 32, 3), **keywords)
