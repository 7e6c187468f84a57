"""Recipes for data of any size: what must change where there are few examples."""

import dataclasses
from typing import Any

from keras_iresnet.zoo.recipe import Recipe

STEPS_PER_EPOCH = 8  # at least, of what the examples allow: fewer make of an epoch, and of patience, next to nothing


def for_examples(recipe: Recipe, examples: int) -> Recipe:
    """The recipe for so many examples: batches of an eighth of them at most.

    Epochs and patience count passes over the data, so that steps go down with the examples; the warm-up takes a tenth
    of the epochs at most.

    Args:
        recipe: for as many examples as one likes.
        examples: how many there are to train on.

    Example:
    >>> import dataclasses
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.zoo.small_data import for_examples
    >>> recipe = ki.zoo.get("image_flow").recipe
    >>> for_examples(recipe, 160).batch_size, for_examples(recipe, 10**6) == recipe
    (20, True)
    """
    changed: dict[str, Any] = {"batch_size": max(1, min(recipe.batch_size, examples // STEPS_PER_EPOCH))}
    if recipe.epochs is not None:
        steps = recipe.epochs * (examples // changed["batch_size"])
        changed["warmup_steps"] = min(recipe.warmup_steps, steps // 10)
    return dataclasses.replace(recipe, **changed)
