"""Keras's optimizers, the same steps in fewer operations and clipped alike on any number of replicas.

Knows `borrowed` alone; imported by `models`, which take them by name, and by `runs`.
"""

from typing import Any

from keras_iresnet.optimizers.clipping import ClippedSGD
from keras_iresnet.optimizers.fused import FusedAdam, FusedAdamax

OPTIMIZERS = {"adam": FusedAdam, "adamax": FusedAdamax, "sgd": ClippedSGD}

__all__ = ["OPTIMIZERS", "ClippedSGD", "FusedAdam", "FusedAdamax", "by_name"]


def by_name(optimizer: Any) -> Any:
    """For the name of an optimizer that this folder has, that one with Keras's defaults; anything else as it is.

    Example:
    >>> from keras_iresnet.optimizers import by_name
    >>> type(by_name("adamax")).__name__, by_name("lion")
    ('FusedAdamax', 'lion')
    """
    if isinstance(optimizer, str) and optimizer.lower() in OPTIMIZERS:
        return OPTIMIZERS[optimizer.lower()]()
    return optimizer
