"""Flows for SVHN's 32x32 house numbers: the same as for CIFAR-10, whose shape they have, without the flip."""

import dataclasses
from typing import Any

from keras_iresnet.models import Flow
from keras_iresnet.zoo.flows.cifar_flow import AUTHORS, SMALL
from keras_iresnet.zoo.flows.cifar_flow import RECIPE as CIFAR
from keras_iresnet.zoo.flows.cifar_flow import SMALL_RECIPE as SMALL_CIFAR
from keras_iresnet.zoo.flows.image_flow import image_flow, variant
from keras_iresnet.zoo.registry import register

__all__ = ["svhn_flow", "svhn_flow_small"]

_OWN: dict[str, Any] = {"dataset": "svhn_cropped", "augmentation": "shift"}
RECIPE = dataclasses.replace(CIFAR, **_OWN)
SMALL_RECIPE = dataclasses.replace(SMALL_CIFAR, **_OWN)


@register(RECIPE)
@variant(**AUTHORS)
def svhn_flow(**keywords: Any) -> Flow:
    """The authors' CIFAR flow over SVHN images (batch, 32, 32, 3).

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.svhn_flow(blocks=(1, 1, 1), channels=8).event_shape
    (32, 32, 3)
    """
    return image_flow((32, 32, 3), **keywords)


@register(SMALL_RECIPE)
@variant(**SMALL)
def svhn_flow_small(**keywords: Any) -> Flow:
    """A flow over SVHN images (batch, 32, 32, 3) for a laptop.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.svhn_flow_small(blocks=(1, 1, 1), channels=8).event_shape
    (32, 32, 3)
    """
    return image_flow((32, 32, 3), **keywords)
