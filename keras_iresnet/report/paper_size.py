"""What the paper's own sizes ask of a GPU, estimated from what the graph of a training step is made of."""

from typing import Any

from keras_iresnet import zoo
from keras_iresnet.report.paper_jobs import JOBS
from keras_iresnet.report.recorded_runs import RECORDED, read_recorded

TFLOPS = 15.0  # a GPU's, of convolutions in float32 (TF32) in training: assumed, not measured
# Of an operation, whatever it computes: fitted, not measured by itself. Steps that were timed on an H200 without XLA
# (zoo/benchmarks/2026-11-28-h200), over `operations_of` their graphs: 13.6e-6 and 13.9e-6 (a flow of 3 x 4 blocks,
# batches of 32 and 128), 15.8e-6 (`digits_flow`).
SECONDS_PER_OPERATION = 15e-6
_TRAINING_EXAMPLES = {"cifar10": 50_000, "cifar100": 50_000, "mnist": 60_000, "toy": 250_000}


def paper_plan(*, tflops: float = TFLOPS, gpus: int = 1) -> list[dict[str, Any]]:
    """What to run for each figure and table at the paper's size, and what it will take.

    A step is taken to last as long as its products do at the assumed rate, shared by the GPUs, or as its operations do
    at `SECONDS_PER_OPERATION` each, which every GPU starts for itself: whichever is longer. It is an estimate; compiled
    by XLA, what is bound by operations is faster.

    Args:
        tflops: 10^12 multiplications and additions a second that a GPU reaches in training: assumed.
        gpus: that share each batch.

    Returns:
        A row for each job: `makes`; `commands`; `trainings`; `steps` of one; whether that is `at_most`, as patience may
        end it sooner; `tflop` and `operations` of a step, counted in its graph; `bound_by`, `"products"` or
        `"operations"`; `hours` of all trainings by the clock; `gpu_hours`; `memory_gib` of each GPU for weights,
        optimizer and tensors of its share of the batch, counted likewise. `None` where no step was counted.

    Raises:
        ValueError: numbers that cannot be.

    Example:
    >>> from keras_iresnet.report.paper_size import paper_plan
    >>> cifar, mnist = paper_plan()[-2:]
    >>> cifar["bound_by"], mnist["bound_by"]
    ('products', 'operations')
    """
    if not tflops > 0:
        raise ValueError(f"`tflops` must be positive. Received: tflops={tflops!r}")
    if gpus < 1:
        raise ValueError(f"`gpus` must be at least 1. Received: gpus={gpus!r}")
    counts = {row["name"]: row for row in read_recorded(RECORDED / "paper_counts").rows}
    return [_row(job, counts, tflops, gpus) for job in JOBS]


_ESTIMATED = ("steps", "at_most", "tflop", "operations", "bound_by", "hours", "gpu_hours", "memory_gib")


def _row(job, counts, tflops, gpus):
    row: dict[str, Any] = {"makes": job.exhibits, "commands": list(job.commands), "trainings": job.trainings}
    if job.counted is None:
        return row | dict.fromkeys(_ESTIMATED)
    count = counts[job.counted]
    recipe = zoo.get(job.counted).recipe
    steps = recipe.steps or recipe.epochs * (_TRAINING_EXAMPLES[job.dataset] // count["batch_size"])
    of_products = count["gflop"] / (1000 * tflops * gpus)
    of_operations = count["operations"] * SECONDS_PER_OPERATION
    hours = job.trainings * steps * max(of_products, of_operations) / 3600
    return row | {
        "steps": steps,
        "at_most": job.at_most,
        "tflop": count["gflop"] / 1000,
        "operations": count["operations"],
        "bound_by": "products" if of_products > of_operations else "operations",
        "hours": hours,
        "gpu_hours": hours * gpus,
        "memory_gib": (count["variables_mib"] + count["live_mib"] / gpus) / 1024,
    }
