"""Flows for Fashion-MNIST: as for MNIST, whose shape it has; the small one as it was measured, with ELU alone."""

import dataclasses
from typing import Any

from keras_iresnet.models import Flow
from keras_iresnet.zoo.flows.image_flow import image_flow, variant
from keras_iresnet.zoo.flows.mnist_flow import PAPER, SMALL
from keras_iresnet.zoo.flows.mnist_flow import RECIPE as MNIST
from keras_iresnet.zoo.flows.mnist_flow import SMALL_RECIPE as SMALL_MNIST
from keras_iresnet.zoo.registry import register

__all__ = ["fashion_mnist_flow", "fashion_mnist_flow_small"]

RECIPE = dataclasses.replace(MNIST, dataset="fashion_mnist")
SMALL_RECIPE = dataclasses.replace(SMALL_MNIST, dataset="fashion_mnist", minutes=26)


@register(RECIPE)
@variant(**PAPER)
def fashion_mnist_flow(**keywords: Any) -> Flow:
    """The paper's MNIST flow over Fashion-MNIST images (batch, 28, 28, 1).

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.fashion_mnist_flow(blocks=(1, 1, 1), channels=8).event_shape
    (28, 28, 1)
    """
    return image_flow((28, 28, 1), **keywords)


@register(SMALL_RECIPE)
@variant(**SMALL)
def fashion_mnist_flow_small(**keywords: Any) -> Flow:
    """A flow over Fashion-MNIST images (batch, 28, 28, 1) that trains in half an hour on two CPU cores.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.fashion_mnist_flow_small(blocks=(1, 1), channels=8).event_shape
    (28, 28, 1)
    """
    return image_flow((28, 28, 1), **keywords)
