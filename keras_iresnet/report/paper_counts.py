"""What a training step costs at the paper's sizes, counted in graphs of fewer blocks: nothing of that size is run.

A step's products and the tensors that it keeps grow by the same amount with each block of a scale, so two depths tell
those of any. `python -m keras_iresnet.report.paper_counts` writes `recorded/paper_counts.json` anew.
"""

import inspect
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from keras_iresnet import zoo
from keras_iresnet.benchmarks.arithmetic import products_of
from keras_iresnet.benchmarks.live_memory import live_bytes
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
}


class StepCount(NamedTuple):
    """A training step.

    Attributes:
        gflop: 10^9 multiplications and additions of its products.
        live_mib: of tensors that are needed at once; see `live_bytes`.
        variables_mib: of weights and what the optimizer keeps for each.
        parameters: trainable ones.
    """

    gflop: float
    live_mib: float
    variables_mib: float
    parameters: int


def count_step(model: str, keywords: Mapping[str, Any], batch_size: int) -> StepCount:
    """Count a training step of a model of images, by two shallow ones of it.

    Args:
        model: of the zoo, with the keyword `blocks` that has a number for each scale.
        keywords: of its builder.
        batch_size: images of the step.

    Returns:
        `StepCount`.
    """
    blocks = keywords.get("blocks", inspect.signature(zoo.get(model).builder).parameters["blocks"].default)
    depths = [tuple(depth for _ in blocks) for depth in (1, 2)]
    one, two = (_counted(model, {**keywords, "blocks": depth}, batch_size) for depth in depths)
    further = sum(blocks) / len(blocks) - 1
    gflop, live, variables, parameters = (a + further * (b - a) for a, b in zip(one, two, strict=True))
    return StepCount(gflop, live, variables, round(parameters))


def _counted(model, keywords, batch_size):
    """Of a model as it is."""
    network = zoo.get(model).builder(**keywords, seed=0)
    step = TrainingStep(network, 2)  # two images set what a first batch sets
    trace_anew()
    specs = tf.nest.map_structure(lambda part: tf.TensorSpec((batch_size, *part.shape[1:]), part.dtype), step.batch)
    traced = tf.function(network.train_step, autograph=False).get_concrete_function(specs)
    gflop = sum(count * product.flop for product, count in products_of(traced).items()) / 1e9
    kept = [*network.weights, *network.optimizer.variables]
    size = sum(math.prod(weight.shape) * tf.as_dtype(weight.dtype).size for weight in kept)
    parameters = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    return StepCount(gflop, live_bytes(traced) / 2**20, size / 2**20, parameters)


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
