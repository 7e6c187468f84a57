"""A multi-scale flow for scikit-learn's 8x8 digits: trains in minutes on a laptop."""

from typing import Any

from keras_iresnet.models import Flow
from keras_iresnet.zoo.flows.image_flow import image_flow, variant
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.registry import register

__all__ = ["digits_flow"]

RECIPE = Recipe(
    dataset="digits",
    epochs=55,
    batch_size=64,
    learning_rate=0.015,
    warmup_steps=20,
    decay="cosine",
)


@register(RECIPE)
@variant(blocks=(8, 8), channels=64, activation="lipswish")  # by docs/comparison.md, ahead of the others
def digits_flow(**keywords: Any) -> Flow:
    """A flow over integer images (batch, 8, 8, 1) with 17 values a pixel.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.digits_flow(blocks=(1, 1), channels=8).event_shape
    (8, 8, 1)
    """
    return image_flow((8, 8, 1), bins=17, **keywords)
