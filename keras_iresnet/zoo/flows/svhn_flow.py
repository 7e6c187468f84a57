"""Flows for SVHN's 32x32 house numbers: the same as for CIFAR-10, whose shape they have, without the flip."""

import dataclasses

from keras_iresnet.zoo.flows.cifar_flow import AUTHORS, SMALL
from keras_iresnet.zoo.flows.cifar_flow import RECIPE as CIFAR
from keras_iresnet.zoo.flows.cifar_flow import SMALL_RECIPE as SMALL_CIFAR
from keras_iresnet.zoo.flows.image_flow import variant

_OWN = {"dataset": "svhn_cropped", "augmentation": "shift", "published": "none", "expected": "not trained here"}
RECIPE = dataclasses.replace(CIFAR, **_OWN)
SMALL_RECIPE = dataclasses.replace(SMALL_CIFAR, **_OWN)

svhn_flow = variant(
    "svhn_flow",
    "The authors' CIFAR flow over SVHN images (batch, 32, 32, 3).",
    (32, 32, 3),
    **AUTHORS,
)
svhn_flow_small = variant(
    "svhn_flow_small",
    "A flow over SVHN images (batch, 32, 32, 3) for a laptop.",
    (32, 32, 3),
    **SMALL,
)
