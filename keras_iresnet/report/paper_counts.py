"""What a training step costs at the paper's sizes, counted in graphs of fewer blocks: nothing of that size is run.

A step's products, its operations and the tensors that it keeps grow by the same amount with each block of a scale, so
two depths tell those of any. `python -m keras_iresnet.report.paper_counts` writes `recorded/paper_counts.json` anew.
"""

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from keras_iresnet import zoo
from keras_iresnet.benchmarks.arithmetic import products_of
from keras_iresnet.benchmarks.live_memory import live_bytes
from keras_iresnet.benchmarks.operations import operations_of
from keras_iresnet.benchmarks.training_step import TrainingStep
from keras_iresnet.ops.shared import trace_anew

IMAGES: dict[str, dict[str, Any]] = {  # what a builder that takes its shape from data is told
    "cifar10": {"event_shape": (32, 32, 3), "num_classes": 10, "bins": 256},
}
COUNTED: dict[str, tuple[str, dict[str, Any], int]] = {
    "cifar10_classifier": ("cifar10_classifier", {"blocks": (13, 13, 13)}, 128),
    "mnist_classifier": ("mnist_classifier", {}, 128),
    "resnet164_classifier": ("resnet164_classifier", {}, 128),
    "glow_classifier": ("glow_classifier", IMAGES["cifar10"], 128),
    "irevnet_classifier": ("irevnet_classifier", IMAGES["cifar10"], 128),
    "cifar_flow": ("cifar_flow", {"blocks": (32, 32, 32)}, 128),
    "mnist_flow": ("mnist_flow", {}, 128),
    "toy_flow": ("toy_flow", {"blocks": 100}, 500),
    "glow": ("glow", {"event_shape": (2,), "blocks": 100}, 256),
}


class StepCount(NamedTuple):
    """A training step.

    Attributes:
        gflop: 10^9 multiplications and additions of its products.
        operations: that it starts; see `operations_of`.
        live_mib: of tensors that are needed at once; see `live_bytes`.
        variables_mib: of weights and what the optimizer keeps for each.
        parameters: trainable ones.
    """

    gflop: float
    operations: int
    live_mib: float
    variables_mib: float
    parameters: int


def count_step(model: str, keywords: Mapping[str, Any], batch_size: int) -> StepCount:
    """Count a training step of a model, by two shallow ones of it.

    Args:
        model: of the zoo, with the keyword `blocks` that has a number, or one for each scale.
        keywords: of its builder.
        batch_size: examples of the step.

    Returns:
        `StepCount`.
    """
    blocks = keywords.get("blocks", inspect.signature(zoo.get(model).builder).parameters["blocks"].default)
    scales = len(blocks) if isinstance(blocks, Sequence) else None
    # Not of one block: what several of a form share, such as the norms of their matrices, begins with the second.
    depths = [depth if scales is None else (depth,) * scales for depth in (2, 3)]
    two, three = (_counted(model, {**keywords, "blocks": depth}, batch_size) for depth in depths)
    further = (blocks if scales is None else sum(blocks) / scales) - 2
    gflop, operations, live, variables, parameters = (a + further * (b - a) for a, b in zip(two, three, strict=True))
    return StepCount(gflop, round(operations), live, variables, round(parameters))


def _counted(model, keywords, batch_size):
    """Of a model as it is."""
    network = zoo.get(model).builder(**keywords, seed=0)
    traced = traced_step(network, batch_size)
    gflop = sum(count * product.flop for product, count in products_of(traced).items()) / 1e9
    kept = [*network.weights, *network.optimizer.variables]
    size = sum(math.prod(weight.shape) * tf.as_dtype(weight.dtype).size for weight in kept)
    parameters = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    return StepCount(gflop, operations_of(traced), live_bytes(traced) / 2**20, size / 2**20, parameters)


def traced_step(network: Any, batch_size: int) -> Any:
    """The graph of a training step of `batch_size` examples, as a concrete function; it is not run at that size."""
    step = TrainingStep(network, 2)  # two examples set what a first batch sets
    trace_anew()
    specs = tf.nest.map_structure(lambda part: tf.TensorSpec((batch_size, *part.shape[1:]), part.dtype), step.batch)
    return tf.function(network.train_step, autograph=False).get_concrete_function(specs)


def main() -> None:
    """Count all of them."""
    from keras_iresnet.report.recorded_runs import RECORDED, keep

    rows = []
    for name, (model, keywords, batch_size) in COUNTED.items():
        found = count_step(model, keywords, batch_size)
        rows.append({"name": name, "batch_size": batch_size, **found._asdict()})
        print(rows[-1], flush=True)
    print(keep(RECORDED / "paper_counts", rows, commands=["python -m keras_iresnet.report.paper_counts"]))


if __name__ == "__main__":
    main()
