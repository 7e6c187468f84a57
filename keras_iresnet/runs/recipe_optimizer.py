"""From a recipe to a Keras optimizer."""

import keras

from keras_iresnet.optimizers import OPTIMIZERS
from keras_iresnet.zoo.recipe import Recipe


def make_optimizer(recipe: Recipe, model: keras.Model) -> keras.optimizers.Optimizer:
    """The recipe's optimizer for a model's weights, not built yet.

    Weight decay is Keras's, decoupled from the gradient: a kernel W becomes W (1 - rate * weight_decay). Only kernels
    decay: a prior or an ActNorm pulled to 0 would be pulled away from the data.

    Args:
        recipe: a `keras_iresnet.zoo.Recipe`.
        model: a built Keras model.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.runs.recipe_optimizer import make_optimizer
    >>> type(make_optimizer(ki.zoo.get("toy_flow").recipe, ki.zoo.toy_flow(blocks=1))).__name__
    'FusedAdam'
    """
    own = {"momentum": recipe.momentum, "nesterov": recipe.nesterov} if recipe.optimizer == "sgd" else {}
    optimizer = OPTIMIZERS[recipe.optimizer](
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay or None,
        global_clipnorm=recipe.clip_norm,
        use_ema=recipe.ema_momentum is not None,
        ema_momentum=recipe.ema_momentum or 0.99,
        gradient_accumulation_steps=recipe.accumulation_steps if recipe.accumulation_steps > 1 else None,
        **own,
    )
    spared = [weight for weight in model.trainable_variables if weight.name != "kernel"]
    optimizer.exclude_from_weight_decay(var_list=spared)
    return optimizer
