"""`tabular_flow` for the five tables of MAF's paper, at about the sizes of FFJORD's; none was trained here."""

import dataclasses
from typing import Any

from keras_iresnet.models import Flow
from keras_iresnet.zoo.flows.tabular_flow import RECIPE, tabular_flow
from keras_iresnet.zoo.registry import register
from keras_iresnet.zoo.variants import variant_of

__all__ = ["bsds300_flow", "gas_flow", "hepmass_flow", "miniboone_flow", "power_flow"]

# What a table without names of columns cannot have.
_OF_OTHER_TABLES = ("conditional", "condition_size", "positive", "bounds")


def _for_table(name, batch_size, **defaults):
    """Decorator of a builder for one table: its recipe, and its size."""
    recipe = dataclasses.replace(
        RECIPE, dataset=f"maf/{name}", minutes=None, batch_size=batch_size, learning_rate=0.002, weight_decay=0.0
    )

    def decorate(builder):
        return register(recipe, from_data=("features",))(variant_of(tabular_flow, _OF_OTHER_TABLES, defaults)(builder))

    return decorate


@_for_table("power", batch_size=10000, blocks=10, units=(60, 60, 60))
def power_flow(**keywords: Any) -> Flow:
    """A flow over POWER: 6 columns of a household's power, 1.7 million rows to train on.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.power_flow(features=6, blocks=1, units=(8,)).event_shape
    (6,)
    """
    return tabular_flow(**keywords)


@_for_table("gas", batch_size=1000, blocks=10, units=(160, 160, 160))
def gas_flow(**keywords: Any) -> Flow:
    """A flow over GAS: 8 sensors in a mixture of gases, 850,000 rows to train on.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.gas_flow(features=8, blocks=1, units=(8,)).event_shape
    (8,)
    """
    return tabular_flow(**keywords)


@_for_table("hepmass", batch_size=10000, blocks=10, units=(210, 210, 210))
def hepmass_flow(**keywords: Any) -> Flow:
    """A flow over HEPMASS: 21 columns of collisions, 315,000 rows to train on.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.hepmass_flow(features=21, blocks=1, units=(8,)).event_shape
    (21,)
    """
    return tabular_flow(**keywords)


@_for_table("miniboone", batch_size=1000, blocks=6, units=(430, 430, 430))
def miniboone_flow(**keywords: Any) -> Flow:
    """A flow over MINIBOONE: 43 columns of neutrino events, 30,000 rows to train on.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.miniboone_flow(features=43, blocks=1, units=(8,)).event_shape
    (43,)
    """
    return tabular_flow(**keywords)


@_for_table("bsds300", batch_size=10000, blocks=10, units=(630, 630, 630))
def bsds300_flow(**keywords: Any) -> Flow:
    """A flow over BSDS300: patches of natural images in 63 columns, a million to train on.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.bsds300_flow(features=63, blocks=1, units=(8,)).event_shape
    (63,)
    """
    return tabular_flow(**keywords)
