"""How a model of the zoo is trained, as data: the training floor reads it, nothing here runs."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """The numbers of one training run.

    Args:
        dataset: name understood by `keras_iresnet.data.load`.
        epochs: passes over the training split.
        batch_size: global batch, in examples, whatever the number of replicas.
        optimizer: name of a Keras optimizer: `"adam"`, `"adamax"` or `"sgd"`.
        learning_rate: peak rate.
        warmup_steps: steps over which the rate rises linearly from 0 to its peak.
        decay: `"constant"`, or `"cosine"` to fall to 0 at the last step.
        clip_norm: global norm that gradients are clipped to, or `None`.
        ema_momentum: momentum of the exponential moving average of the weights that evaluation and the
            checkpoints use, or `None` for the raw weights.
        initialization_batch: examples that initialise ActNorm and the prior.
        seed: seed of the weights, the shuffling and the noise.
        parameters: trainable parameters of the model with the builder's defaults.
        expected: what the run reached, with the time and the machine.
        reference: where the model or its numbers come from.

    Example:
    >>> import dataclasses
    >>> import keras_iresnet as ki
    >>> recipe = dataclasses.replace(ki.zoo.get("digits_flow").recipe, epochs=1)
    >>> recipe.epochs
    1
    """

    dataset: str
    epochs: int
    batch_size: int
    optimizer: str = "adamax"
    learning_rate: float
    warmup_steps: int = 0
    decay: str = "constant"
    clip_norm: float | None = None
    ema_momentum: float | None = None
    initialization_batch: int = 1024
    seed: int = 0
    parameters: int
    expected: str
    reference: str
