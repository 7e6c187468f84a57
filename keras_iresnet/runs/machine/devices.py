"""Where a run computes: one device, replicas of the model on several, or on several machines."""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf


def several_machines() -> bool:
    """Whether `TF_CONFIG` names more than one worker."""
    return sum(len(_cluster_and_task()[0].get(kind, ())) for kind in ("chief", "worker")) > 1


def is_chief() -> bool:
    """Whether this process writes the run folder: the only one, the chief, or the first worker where none is named."""
    if not several_machines():
        return True
    cluster, (kind, index) = _cluster_and_task()
    return kind == "chief" or ("chief" not in cluster and (kind, index) == ("worker", 0))


def scope(devices: Sequence[str] | None = None) -> contextlib.AbstractContextManager:
    """Context in which to build and compile a model.

    Args:
        devices: names such as `"GPU:0"`; several give one replica on each (`tf.distribute.MirroredStrategy`).
            By default all visible GPUs, or the CPU; with several machines in `TF_CONFIG`, those of each
            (`tf.distribute.MultiWorkerMirroredStrategy`).

    Raises:
        ValueError: there is no such device; the message lists those there are. Or some are named for one machine of
            several.
    """
    if several_machines():
        if devices is not None:
            raise ValueError(
                "`devices` must be none with several machines in TF_CONFIG: each uses all that it sees; "
                f"CUDA_VISIBLE_DEVICES hides some. Received: devices={list(devices)}"
            )
        return tf.distribute.MultiWorkerMirroredStrategy().scope()
    gpus = _names("GPU")
    if devices is None:
        return _mirrored(gpus) if len(gpus) > 1 else contextlib.nullcontext()
    devices = list(devices)
    known = _names("CPU") + gpus
    if not devices or len(set(devices)) < len(devices) or set(devices) - set(known):
        raise ValueError(f"`devices` must be distinct names out of {', '.join(known)}. Received: devices={devices}")
    if len(devices) > 1:
        return _mirrored(devices)
    # Keras compiles with XLA on one GPU, but never under a strategy: name a strategy only where one is needed.
    return (
        contextlib.nullcontext()
        if devices == (gpus or known)[:1]
        else tf.distribute.OneDeviceStrategy(devices[0]).scope()
    )


def shared(dataset: Any, strategy: tf.distribute.Strategy) -> Any:
    """Batches of a data set, of which every worker takes its share: the first the first rows, and so on.

    What TensorFlow does by itself with several machines changes which examples make a batch.

    Raises:
        ValueError: the replicas cannot have equal shares of a batch.
    """
    if not _spans_machines(strategy):
        return dataset
    size, replicas = tf.nest.flatten(dataset.element_spec)[0].shape[0], strategy.num_replicas_in_sync
    if size is None or size % replicas:
        raise ValueError(f"A batch must be shared equally by all {replicas} replicas. Received: {size} examples")

    def share(context):
        own = size // context.num_input_pipelines
        first = context.input_pipeline_id * own
        rows = dataset.map(lambda *batch: tf.nest.map_structure(lambda part: part[first : first + own], batch))
        return rows.unbatch().batch(size // replicas, drop_remainder=True).prefetch(tf.data.AUTOTUNE)

    return strategy.distribute_datasets_from_function(share)


@contextlib.contextmanager
def naming_lost_machines() -> Iterator[None]:
    """Turn TensorFlow's report of a peer that is gone into a `ConnectionError` that says what to do."""
    try:
        yield
    except tf.errors.OpError as error:
        if not several_machines() or not isinstance(error, _LOST):
            raise
        raise ConnectionError(
            "Another machine of TF_CONFIG is gone, and the training with it: its own last words say why. Started again "
            "on all of them with --resume, a run goes on from its latest state. "
            f"TensorFlow says: {error.message[:300].partition(chr(10))[0]}"
        ) from error


_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


def agree(model: keras.Model, *numbers: Any) -> tuple[Any, ...]:
    """Give every worker the chief's variables, the optimizer's too; returns the chief's numbers.

    What one worker read from a file, or computed from data, the others then have to the bit.
    """
    strategy = model.distribute_strategy
    if not _spans_machines(strategy):
        return numbers
    variables = [*model.variables, *model.optimizer.variables]

    @tf.function(autograph=False)
    def chiefs():
        return strategy.run(lambda: _from_first([*map(tf.convert_to_tensor, variables), *map(tf.constant, numbers)]))

    found = [strategy.experimental_local_results(value)[0] for value in chiefs()]
    for variable, value in zip(variables, found, strict=False):
        variable.assign(value)
    return tuple(value.numpy().item() for value in found[len(variables) :])


def _from_first(values):
    """The first replica's values, on every replica."""
    context = tf.distribute.get_replica_context()
    first = context.replica_id_in_sync_group == 0

    def own(value):
        plain = tf.cast(value, tf.int32) if value.dtype == tf.bool else value
        return tf.cast(context.all_reduce("SUM", tf.where(first, plain, tf.zeros_like(plain))), value.dtype)

    return [own(value) for value in values]


def _spans_machines(strategy):
    """Whether a strategy is for several machines, however they found each other."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def _cluster_and_task():
    """Addresses by kind, and this process's (kind, index), of `TF_CONFIG`; {} and `None` where there is none.

    Raises:
        ValueError: it is nothing of the sort.
    """
    text = os.environ.get("TF_CONFIG") or "{}"
    try:
        config = json.loads(text)
        if not (cluster := config.get("cluster")):
            return {}, None
        kind, index = config["task"]["type"], int(config["task"]["index"])
        if not 0 <= index < len(cluster[kind]):
            raise IndexError(index)
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise ValueError(
            'TF_CONFIG must be JSON such as {"cluster": {"worker": ["host0:12345", "host1:12345"]}, "task": {"type": '
            f'"worker", "index": 0}}}}, with a task of its cluster. Received: TF_CONFIG={text}'
        ) from error
    return cluster, (kind, index)


def _mirrored(devices):
    return tf.distribute.MirroredStrategy(devices).scope()


def _names(kind):
    return [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices(kind)]
