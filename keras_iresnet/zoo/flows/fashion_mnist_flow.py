"""Flows for Fashion-MNIST: as for MNIST, whose shape it has; the small one as it was measured, with ELU alone."""

import dataclasses

from keras_iresnet.zoo.flows.image_flow import variant
from keras_iresnet.zoo.flows.mnist_flow import PAPER, SMALL
from keras_iresnet.zoo.flows.mnist_flow import RECIPE as MNIST
from keras_iresnet.zoo.flows.mnist_flow import SMALL_RECIPE as SMALL_MNIST

_OWN = {"dataset": "fashion_mnist", "published": "none", "expected": "not trained here"}
RECIPE = dataclasses.replace(MNIST, **_OWN)
SMALL_RECIPE = dataclasses.replace(
    SMALL_MNIST,
    **_OWN
    | {
        "minutes": 26,
        "initialization_batch": 1024,
        "parameters": 185_448,
        "reference": "Behrmann et al., ICML 2019, with fewer blocks",
        "expected": "3.016 +- 0.027 bits/dim (1,000 test images) after 26 minutes on two CPU cores",
    },
)

fashion_mnist_flow = variant(
    "fashion_mnist_flow",
    "The paper's MNIST flow over Fashion-MNIST images (batch, 28, 28, 1).",
    (28, 28, 1),
    **PAPER,
)
fashion_mnist_flow_small = variant(
    "fashion_mnist_flow_small",
    "A flow over Fashion-MNIST images (batch, 28, 28, 1) that trains in half an hour on two CPU cores.",
    (28, 28, 1),
    **SMALL,
)
