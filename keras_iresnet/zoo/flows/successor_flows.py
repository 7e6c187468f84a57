"""Flows of the papers after i-ResNet, at their sizes: Residual Flows, i-DenseNet and Monotone Flows.

All have squeezes between three scales of which no channel leaves, four blocks at the end that see the whole image as a
vector, layers held at 0.98, a roulette for the log-determinant, and a standard normal prior. Of the authors' code they
differ in this: one ActNorm the less, at the very start; Rademacher for Gaussian probes; a geometric for a Poisson
roulette, of two exact terms in monotone flows too, where theirs has ten; five power iterations a step for as many as a
tolerance asks for; and CIFAR-10 images are not flipped.
"""

import dataclasses
from typing import Any

from keras_iresnet.models import Flow
from keras_iresnet.zoo.flows.image_flow import image_flow, variant
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.registry import register

__all__ = [
    "cifar_idensenet_flow",
    "cifar_monotone_flow",
    "cifar_residual_flow",
    "imagenet32_residual_flow",
    "mnist_monotone_flow",
    "mnist_residual_flow",
]

CIFAR = Recipe(
    dataset="cifar10",
    epochs=1000,
    batch_size=64,
    optimizer="adam",
    learning_rate=0.001,
    warmup_steps=1000,
    ema_momentum=0.999,
)
MNIST = dataclasses.replace(CIFAR, dataset="mnist")
IMAGENET = dataclasses.replace(CIFAR, dataset="imagenet32")

SHARED = {
    "blocks": (16, 16, 16),
    "strides": (1, 2, 2),
    "multi_scale": False,
    "dense_blocks": 4,
    "coeff": 0.98,
    "power_iterations": 5,
    "log_det": "roulette",
    "learned_prior": False,
}
COLOURS = {"logit_alpha": 0.05}  # of images without a black background
RESNET = SHARED | {"channels": 512, "dense_units": 128, "activation": "lipswish"}
DENSENET = SHARED | {"branch": "densenet", "channels": 172, "dense_units": 32, "activation": "clipswish"}
MONOTONE = DENSENET | {"block": "monotone", "activation": "cpila"}


@register(MNIST)
@variant(**RESNET)
def mnist_residual_flow(**keywords: Any) -> Flow:
    """Residual Flows (Chen et al., NeurIPS 2019) over MNIST images (batch, 28, 28, 1).

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.mnist_residual_flow(blocks=(1, 1, 1), channels=8, dense_blocks=1).event_shape
    (28, 28, 1)
    """
    return image_flow((28, 28, 1), **keywords)


@register(CIFAR)
@variant(**RESNET, **COLOURS)
def cifar_residual_flow(**keywords: Any) -> Flow:
    """Residual Flows (Chen et al., NeurIPS 2019) over CIFAR-10 images (batch, 32, 32, 3).

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.cifar_residual_flow(blocks=(1, 1, 1), channels=8, dense_blocks=1).event_shape
    (32, 32, 3)
    """
    return image_flow((32, 32, 3), **keywords)


@register(IMAGENET)
@variant(**RESNET | COLOURS | {"blocks": (32, 32, 32)})
def imagenet32_residual_flow(**keywords: Any) -> Flow:
    """Residual Flows (Chen et al., NeurIPS 2019) over ImageNet's images at (batch, 32, 32, 3).

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.imagenet32_residual_flow(blocks=(1, 1, 1), channels=8, dense_blocks=1).event_shape
    (32, 32, 3)
    """
    return image_flow((32, 32, 3), **keywords)


@register(CIFAR)
@variant(**DENSENET, **COLOURS)
def cifar_idensenet_flow(**keywords: Any) -> Flow:
    """The invertible DenseNet (Perugachi-Diaz et al., NeurIPS 2021) over CIFAR-10 images (batch, 32, 32, 3).

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.cifar_idensenet_flow(blocks=(1, 1, 1), channels=8, dense_blocks=1).event_shape
    (32, 32, 3)
    """
    return image_flow((32, 32, 3), **keywords)


@register(CIFAR)
@variant(**MONOTONE, **COLOURS)
def cifar_monotone_flow(**keywords: Any) -> Flow:
    """Monotone Flows (Ahn et al., NeurIPS 2022) over CIFAR-10 images (batch, 32, 32, 3).

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.cifar_monotone_flow(blocks=(1, 1, 1), channels=8, dense_blocks=1).event_shape
    (32, 32, 3)
    """
    return image_flow((32, 32, 3), **keywords)


@register(MNIST)
@variant(**MONOTONE)
def mnist_monotone_flow(**keywords: Any) -> Flow:
    """Monotone Flows (Ahn et al., NeurIPS 2022) over MNIST images (batch, 28, 28, 1).

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.mnist_monotone_flow(blocks=(1, 1, 1), channels=8, dense_blocks=1).event_shape
    (28, 28, 1)
    """
    return image_flow((28, 28, 1), **keywords)
