"""How a model of the zoo is trained, as data: `runs` reads it, nothing here runs."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """The numbers of one training run.

    At least one of `epochs`, `steps` and `minutes` ends it; where several are given, the one that is reached first, and
    the schedule of the learning rate follows that one.

    Args:
        dataset: name understood by `keras_iresnet.data.load`, or the path of files of one's own; empty where the model
            has no data set of its own.
        augmentation: of training images, `"none"`, `"shift"` or `"shift_flip"`, see `keras_iresnet.data.augment`.
        epochs: how many, of `steps_per_epoch` steps each, or `None`.
        steps_per_epoch: steps of an epoch, which ends with a validation and a row of the history; `None` for a pass
            over the training split.
        steps: training steps, or `None`.
        minutes: by the clock, from the tracing of the first step on, validations, pictures and saving included, or
            `None`; start-up and the evaluation at the end come on top.
        patience: epochs without a better validation after which the run ends, or `None`.
        batch_size: global batch, in examples, whatever the number of replicas.
        optimizer: name of a Keras optimizer: `"adam"`, `"adamax"` or `"sgd"`.
        learning_rate: peak rate.
        momentum: of `"sgd"`.
        nesterov: whether the momentum of `"sgd"` is Nesterov's.
        weight_decay: share of each kernel, times the learning rate, that a step takes off (decoupled; biases, ActNorm
            and the prior are spared).
        warmup_steps: steps over which the rate rises linearly from 0 to its peak.
        warmup_epochs: the same in epochs; the two add up.
        decay: `"constant"`; `"cosine"` to fall to 0 at the end; `"drop"` to be multiplied by `drop_factor` at each of
            `drop_epochs`.
        drop_factor: of `decay="drop"`.
        drop_epochs: epochs of a run of `epochs` epochs; where steps or minutes end it sooner, the drops come sooner in
            proportion.
        clip_norm: global norm that gradients are clipped to, or `None`.
        ema_momentum: momentum of the exponential moving average of the weights that evaluation and the
            checkpoints use, or `None` for the raw weights. It is reached gradually, as
            min(ema_momentum, (1 + t) / (10 + t)) at step t, so that the first weights do not dominate a short run.
        accumulation_steps: steps, of `batch_size` examples each, whose gradients are averaged for one update of the
            weights, on one device. The learning rate goes by steps.
        precision: `"float32"`; `"mixed_bfloat16"` to train with branches in bfloat16, while weights, norms, the
            residual stream and all evaluation stay in float32; or `"float64"`.
        jit: whether XLA compiles the step; `None` leaves it to Keras, which does so on one GPU.
        remat: whether the backward pass computes each block once more rather than keep its activations: less memory for
            up to a third more arithmetic.
        validation_examples: how many of the validation split each epoch ends with, its first; `None` for all.
        initialization_batch: examples that initialise the prior, and the first 1,024 of them ActNorm; `None` for as
            many as the model wants by itself.
        log_steps: steps between two entries of loss, bits/dim and learning rate in TensorBoard.
        diagnostics: whether TensorBoard gets the norm of every layer, the gradient's norm, and the steps and residual
            of the inverse after each epoch; costs a few seconds at the first.
        certify_epochs: epochs after which the weights that are trained are certified each time, see
            `keras_iresnet.evaluation.Certification`: the largest bound goes into the history, and with its block into
            TensorBoard; `None` for never before the end.
        certify_action: what is done where that proves nothing: `"report"` it, `"stop"` the run after the epoch, or
            `"contract"` the kernels.
        seed: seed of the weights, the shuffling, the augmentation and the noise.

    Example:
    >>> import dataclasses
    >>> import keras_iresnet as ki
    >>> recipe = dataclasses.replace(ki.zoo.get("digits_flow").recipe, epochs=1)
    >>> recipe.epochs
    1
    """

    dataset: str = ""
    augmentation: str = "none"
    epochs: int | None = None
    steps_per_epoch: int | None = None
    steps: int | None = None
    minutes: float | None = None
    patience: int | None = None
    batch_size: int
    optimizer: str = "adamax"
    learning_rate: float
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    warmup_steps: int = 0
    warmup_epochs: float = 0.0
    decay: str = "constant"
    drop_factor: float = 0.2
    drop_epochs: tuple[int, ...] = ()
    clip_norm: float | None = None
    ema_momentum: float | None = None
    accumulation_steps: int = 1
    precision: str = "float32"
    jit: bool | None = None
    remat: bool = False
    validation_examples: int | None = None
    initialization_batch: int | None = None
    log_steps: int = 50
    diagnostics: bool = False
    certify_epochs: int | None = None
    certify_action: str = "report"
    seed: int = 0
