"""What a training step costs, its time, its tracing and its memory: forms of the log-det, models of the zoo."""

import dataclasses
import inspect
import math
import pathlib
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet import optimizers, zoo
from keras_iresnet.benchmarks.arithmetic import Arithmetic, products_of
from keras_iresnet.benchmarks.turns import Comparison, in_a_process_of_its_own, in_turns
from keras_iresnet.benchmarks.workload import Workload, build_flow
from keras_iresnet.models import Classifier
from keras_iresnet.ops.shared import trace_anew
from keras_iresnet.runs.machine.full_products import keep_float32


@dataclasses.dataclass(frozen=True)
class Start:
    """What comes before the second step.

    Attributes:
        trace_seconds: building the graph of the step.
        trace_cpu_seconds: processor time of the same, which other work on the machine changes less.
        first_step_seconds: the first step, with TensorFlow's optimisation of the graph.
        operations: number of operations in the graph, as traced.
    """

    trace_seconds: float
    trace_cpu_seconds: float
    first_step_seconds: float
    operations: int


@dataclasses.dataclass(frozen=True)
class Cost(Start):
    """`Start`, and the largest memory that a process needed for it and for a few steps more.

    Attributes:
        peak_memory_mib: of the process, or of the accelerator where there is one.
    """

    peak_memory_mib: float


@dataclasses.dataclass(frozen=True)
class ModelCost(Cost):
    """`Cost`, and what else a user of a model waits for.

    Attributes:
        build_seconds: making the model, its norms converged.
        seconds_to_first_step: all of it: making, initialising, tracing, and the first step.
        step_seconds: median of the steps after the first.
        parameters: trainable parameters.
    """

    build_seconds: float
    seconds_to_first_step: float
    step_seconds: float
    parameters: int


class TrainingStep:
    """One compiled training step on one batch of noise, as `train` takes it: loss, gradients, optimizer, metrics.

    Args:
        model: a `Flow`, which takes Adamax, or a `Classifier`, which takes SGD with momentum.
        batch_size: examples in the batch, images or points.
        seed: of the examples and the labels.
        jit_compile: whether XLA compiles the step; `"auto"` leaves it to Keras, which does so on one GPU.
    """

    def __init__(self, model: Any, batch_size: int, seed: int = 0, jit_compile: bool | str = "auto") -> None:
        keep_float32()
        self.model = model
        rng = np.random.default_rng(seed)
        examples = _noise(model, batch_size, rng)
        if isinstance(model, Classifier):
            self.model.compile(optimizers.ClippedSGD(1e-3, momentum=0.9), jit_compile=jit_compile)
            self.batch = (examples, tf.constant(rng.integers(0, model.num_classes, batch_size)))
            self.model.initialize(examples)
        else:
            self.model.compile(optimizers.FusedAdamax(1e-4), jit_compile=jit_compile)
            self.batch = examples
            missing = max(0, model.prior.least_examples - batch_size)
            self.model.initialize(tf.concat((examples, _noise(model, missing, rng)), 0))
        self._step, self.start = self._compile()

    def _compile(self):
        step = tf.function(self.model.train_step, autograph=False, jit_compile=self.model.jit_compile)
        specs = tf.nest.map_structure(lambda part: tf.TensorSpec((None, *part.shape[1:]), part.dtype), self.batch)
        begin, cpu_begin = time.perf_counter(), time.process_time()
        traced = step.get_concrete_function(specs)
        trace, cpu = time.perf_counter() - begin, time.process_time() - cpu_begin
        first = _seconds(traced, self.batch)
        return traced, Start(trace, cpu, first, len(traced.graph.get_operations()))

    def arithmetic(self) -> Arithmetic:
        """What the step computes, and how long that takes by itself; traces it once more, for this batch."""
        trace_anew()
        step = tf.function(self.model.train_step, autograph=False)
        return Arithmetic.of(products_of(step.get_concrete_function(self.batch)))

    def __call__(self) -> float:
        """Take a step; returns its seconds.

        Raises:
            FloatingPointError: the loss is not finite, so the time is not one of training.
        """
        return _seconds(self._step, self.batch)


def compare(models: Mapping[str, keras.Model], batch_size: int, *, pairs: int = 15, warm_up: int = 2) -> Comparison:
    """Time training steps of several models in turn, in this process.

    Args:
        models: label -> model, as for `TrainingStep`.
        batch_size: images in a step.
        pairs: how often each is timed.
        warm_up: how often each is taken before.
    """
    return in_turns({label: TrainingStep(model, batch_size) for label, model in models.items()}, pairs, warm_up)


def cost(form: str, workload: Workload, steps: int = 3) -> Cost:
    """Trace a step and take it a few times, in a process of its own.

    Returns:
        `Cost`.
    """
    return in_a_process_of_its_own(_cost_here, form, workload, steps)


def model_cost(
    name: str,
    *,
    batch_size: int,
    steps: int = 3,
    keywords: Mapping[str, Any] | None = None,
    precision: str = "float32",
    jit_compile: bool | str = "auto",
) -> ModelCost:
    """Build a model of the zoo, trace its training step and take it, in a process of its own.

    Args:
        name: of the model.
        batch_size: examples in a step; they are noise.
        steps: how many, after the first.
        keywords: of its builder.
        precision: Keras's policy that it is built under, such as `"mixed_bfloat16"`.
        jit_compile: whether XLA compiles the step, or `"auto"`.

    Returns:
        `ModelCost`.
    """
    arguments = (name, batch_size, steps, keywords or {}, precision, jit_compile)
    return in_a_process_of_its_own(_model_cost_here, *arguments)


def shared_blocks(name: str, blocks: int) -> tuple[int, ...]:
    """So many blocks as the keyword `blocks` of a builder of the zoo: the same number for each of its scales.

    Raises:
        ValueError: they cannot be shared equally.

    Example:
    >>> from keras_iresnet.benchmarks.training_step import shared_blocks
    >>> shared_blocks("digits_flow", 6)
    (3, 3)
    """
    scales = len(inspect.signature(zoo.get(name).builder).parameters["blocks"].default)
    if blocks < scales or blocks % scales:
        raise ValueError(f"`blocks` of {name} must be shared equally by {scales} scales. Received: blocks={blocks}")
    return (blocks // scales,) * scales


def _cost_here(form, workload, steps):
    step = TrainingStep(build_flow(form, workload), workload.batch_size)
    for _ in range(steps):
        step()
    return Cost(**dataclasses.asdict(step.start), peak_memory_mib=_peak_memory_mib())


def _model_cost_here(name, batch_size, steps, keywords, precision, jit_compile):
    keras.config.set_dtype_policy(precision)
    begin = time.perf_counter()
    model = zoo.get(name).builder(seed=0, **keywords)
    build_seconds = time.perf_counter() - begin
    step = TrainingStep(model, batch_size, jit_compile=jit_compile)
    seconds_to_first_step = time.perf_counter() - begin
    return ModelCost(
        build_seconds=build_seconds,
        seconds_to_first_step=seconds_to_first_step,
        step_seconds=statistics.median(step() for _ in range(steps)),
        parameters=sum(math.prod(weight.shape) for weight in model.trainable_weights),
        peak_memory_mib=_peak_memory_mib(),
        **dataclasses.asdict(step.start),
    )


def _noise(model, count, rng):
    shape = (count, *model.event_shape)
    if model.bins is None:
        return tf.constant(rng.standard_normal(shape, dtype=np.float32))
    return tf.constant(rng.integers(0, model.bins, shape, dtype=np.uint8))


def _peak_memory_mib():
    if tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20
    status = pathlib.Path("/proc/self/status")
    if status.is_file():
        # Not `getrusage`: on Linux its figure is inherited from the process that started this one.
        return int(next(line.split()[1] for line in status.read_text().splitlines() if line[:6] == "VmHWM:")) / 2**10
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _seconds(step, batch):
    begin = time.perf_counter()
    loss = float(step(batch)["loss"])  # waits for the result, on an accelerator too
    seconds = time.perf_counter() - begin
    if not math.isfinite(loss):
        raise FloatingPointError(f"The loss of a timed step must be finite. Received: loss={loss}")
    return seconds
