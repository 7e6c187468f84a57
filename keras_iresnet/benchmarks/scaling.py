"""How a training step grows: with blocks, with the batch, with terms of the series; and what replicas cost."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet.benchmarks.training_step import TrainingStep, compare
from keras_iresnet.benchmarks.turns import Comparison, Contender, in_a_process_of_its_own, in_turns
from keras_iresnet.benchmarks.workload import Workload, build_flow
from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.layers import InvertibleResidualBlock
from keras_iresnet.runs.machine import devices
from keras_iresnet.runs.machine.threads import settle_threads

PASS = "pass"  # of all branches: what a further term is measured in


@dataclasses.dataclass(frozen=True)
class Scaling:
    """Training steps that differ in one size, timed in turn.

    Attributes:
        what: the size that differs.
        sizes: label of the comparison -> size.
        comparison: of the steps, the first of which the others are compared with.
        ratios: label of each but the first -> what it costs in proportion, each time: see the functions of this file.
    """

    what: str
    sizes: dict[str, int]
    comparison: Comparison
    ratios: dict[str, tuple[float, ...]]

    def summary(self) -> dict[str, Any]:
        """Medians and ranges, JSON only."""
        found = {
            label: {"median": statistics.median(ratios), "range": [min(ratios), max(ratios)]}
            for label, ratios in self.ratios.items()
        }
        return {"what": self.what, "sizes": self.sizes, **self.comparison.summary(), "in_proportion": found}


def by_blocks(workload: Workload, counts: Sequence[int] = (2, 4, 8), *, pairs: int) -> Scaling:
    """Steps of flows of so many blocks a scale; the ratio is that of seconds a block: 1 is linear."""
    scales = len(workload.blocks)
    sizes = {f"{scales * count}_blocks": scales * count for count in counts}
    flows = (build_flow("dual", dataclasses.replace(workload, blocks=(count,) * scales)) for count in counts)
    return _each("blocks", sizes, compare(dict(zip(sizes, flows, strict=True)), workload.batch_size, pairs=pairs))


def by_batch(workload: Workload, batches: Sequence[int] = (32, 64, 128), *, pairs: int) -> Scaling:
    """Steps on so many images; the ratio is that of seconds an image: 1 is linear."""
    sizes = {f"batch_{batch}": batch for batch in batches}
    steps = {label: TrainingStep(build_flow("dual", workload), batch) for label, batch in sizes.items()}
    return _each("images in a batch", sizes, in_turns(steps, pairs))


def by_terms(workload: Workload, terms: Sequence[int] = (5, 10, 20), *, pairs: int) -> Scaling:
    """Steps with so many terms; the ratio is what a term beyond the first size takes, in passes of all branches."""
    sizes = {f"{count}_terms": count for count in terms}
    ways: dict[str, Callable[[], float]] = {
        label: TrainingStep(build_flow("dual", dataclasses.replace(workload, num_terms=count)), workload.batch_size)
        for label, count in sizes.items()
    }
    comparison = in_turns({**ways, PASS: BranchPass(build_flow("dual", workload), workload.batch_size)}, pairs)
    first, *others = sizes
    return Scaling("terms", sizes, comparison, {label: _passes(comparison, sizes, first, label) for label in others})


def by_replicas(workload: Workload, replicas: Sequence[int] = (1, 2), *, pairs: int) -> Scaling:
    """Steps on the same batch by so many replicas, on logical devices of the CPU; the ratio is that of seconds."""
    sizes = {f"replicas_{count}": count for count in replicas}
    contenders = {label: Contender(replicated_step, workload, count) for label, count in sizes.items()}
    try:
        comparison = in_turns(contenders, pairs)
    finally:
        for one in contenders.values():
            one.__exit__()
    return Scaling("replicas", sizes, comparison, comparison.ratios)


class BranchPass:
    """One pass of the branches of all blocks, their kernels normalised beforehand; none waits for another.

    Args:
        flow: whose blocks they are.
        batch_size: examples that each sees.
    """

    def __init__(self, flow: Any, batch_size: int) -> None:
        blocks = [layer for layer in layers_in(flow.layer) if isinstance(layer, InvertibleResidualBlock)]
        branches = [block.branch.as_map() for block in blocks]
        self._inputs = [tf.random.normal((batch_size, *block.input_spec.shape[1:])) for block in blocks]

        @tf.function(autograph=False)
        def compute(inputs):
            # All is computed, since something of each is looked at; the time of that is next to nothing.
            return tf.add_n([tf.reshape(g(x), [-1])[0] for g, x in zip(branches, inputs, strict=True)])

        self._compute = compute

    def __call__(self) -> float:
        """Take it; returns its seconds."""
        begin = time.perf_counter()
        self._compute(self._inputs).numpy()
        return time.perf_counter() - begin


def replicated_step(workload: Workload, replicas: int) -> Callable[[], dict[str, Any]]:
    """A training step of `fit` in a process of its own, by one replica or by several on logical devices of the CPU."""
    settle_threads()
    if replicas > 1:
        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
    shape = (workload.batch_size, workload.size, workload.size, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    with devices.scope([f"CPU:{i}" for i in range(replicas)]):
        flow = build_flow("dual", workload)
        flow.compile("adamax")
        flow.initialize(images)
    dataset = tf.data.Dataset.from_tensors(images).repeat()
    batches = iter(flow.distribute_strategy.experimental_distribute_dataset(dataset))
    flow.make_train_function()

    def timed() -> dict[str, Any]:
        return {"loss": float(flow.train_function(batches)["loss"])}

    return timed


def _each(what, sizes, comparison):
    """The ratio of seconds for one of something."""
    first, *others = sizes
    ratios = {label: tuple(r * sizes[first] / sizes[label] for r in comparison.ratios[label]) for label in others}
    return Scaling(what, sizes, comparison, ratios)


def _passes(comparison, sizes, first, label):
    """What each term more took, over a pass."""
    times = (comparison.seconds[name] for name in (first, label, PASS))
    more = sizes[label] - sizes[first]
    return tuple((b - a) / more / one for a, b, one in zip(*times, strict=True))


WAYS: dict[str, Callable[..., Scaling]] = {
    "blocks": by_blocks,
    "batch": by_batch,
    "terms": by_terms,
    "replicas": by_replicas,
}


def scale(way: str, workload: Workload, sizes: Sequence[int], pairs: int) -> Scaling:
    """One of `WAYS`, in a process of its own, with threads as `train` sets them.

    Args:
        way: its name.
        workload: what is left as it is.
        sizes: to compare with the first of them; none takes those of the function.
        pairs: how often each is timed.
    """
    return in_a_process_of_its_own(_scaled_here, way, workload, tuple(sizes), pairs)


def _scaled_here(way, workload, sizes, pairs):
    settle_threads()
    return WAYS[way](workload, *((sizes,) if sizes else ()), pairs=pairs)
