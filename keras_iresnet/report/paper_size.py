"""The paper's own sizes: which commands make each figure and table, and what they ask of a GPU by their arithmetic."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_iresnet import zoo
from keras_iresnet.report.recorded_runs import RECORDED, read_recorded

TFLOPS = 15.0  # a GPU's, of convolutions in float32 (TF32) in training: assumed, not measured
_TRAINING_IMAGES = {"cifar10": 50_000, "cifar100": 50_000, "mnist": 60_000}


@dataclasses.dataclass(frozen=True)
class Job:
    """Some commands, and the trainings among them.

    Args:
        exhibits: what they make.
        commands: in order.
        counted: name of what is trained in `paper_counts`, or `None` where that is small.
        dataset: that it is trained on.
        trainings: how many.
    """

    exhibits: str
    commands: Sequence[str]
    counted: str | None = None
    dataset: str = "cifar10"
    trainings: int = 1


def _classifiers(dataset, figures):
    size = f"paper-{dataset}"
    return [f"keras-iresnet figures {figure} --size {size} --out paper/{dataset}" for figure in figures]


def _flow(name, options=""):
    run = f"paper/{name}"
    return [
        f"keras-iresnet train {name}{options} --out {run}",
        f"keras-iresnet evaluate {run}",
        f"keras-iresnet sample {run}",
        f"keras-iresnet interpolate {run}",
    ]


JOBS = (
    Job("Figure 1", ["keras-iresnet figures dynamics --size paper --out paper/dynamics"]),
    Job(
        "Figure 2",
        [
            f"keras-iresnet train {model} --dataset toy/{toy} --blocks 100 --minutes none --out paper/{model}_{toy}"
            for toy in ("8gaussians", "checkerboard", "moons")
            for model in ("toy_flow", "glow")
        ],
        trainings=6,
    ),
    Job(
        "Table 2, figures 3, 6 and 8, of CIFAR-10",
        _classifiers("cifar10", ["error-by-coeff", "reconstructions", "singular-values", "inverse-steps"]),
        "cifar10_classifier",
        trainings=8,
    ),
    Job("Table 2, of CIFAR-100", _classifiers("cifar100", ["error-by-coeff"]), "cifar10_classifier", "cifar100", 6),
    Job(
        "Table 2 and figure 7, of MNIST",
        _classifiers("mnist", ["error-by-coeff", "reconstructions"]),
        "mnist_classifier",
        "mnist",
        6,
    ),
    Job(
        "Table 2, ResNet-164",
        [
            "keras-iresnet train resnet164_classifier --out paper/resnet164_cifar10",
            "keras-iresnet train resnet164_classifier --dataset cifar100 --out paper/resnet164_cifar100",
        ],
        "resnet164_classifier",
        trainings=2,
    ),
    Job(
        "Table 3, Glow",
        [
            "keras-iresnet train glow_classifier --dataset cifar10 --out paper/glow_affine",
            "keras-iresnet train glow_classifier --dataset cifar10 --affine false --mixing reverse "
            "--out paper/glow_additive",
        ],
        "glow_classifier",
        trainings=2,
    ),
    Job(
        "Section 5.1, i-RevNet",
        ["keras-iresnet train irevnet_classifier --dataset cifar10 --out paper/irevnet"],
        "irevnet_classifier",
    ),
    Job("Table 4 and figure 5, of CIFAR-10", _flow("cifar_flow", " --blocks 32,32,32"), "cifar_flow"),
    Job(
        "Table 4, figures 4 and 9, of MNIST",
        [
            *_flow("mnist_flow"),
            "keras-iresnet figures trace-estimator paper/mnist_flow --images 1000 --out paper/trace_estimator",
        ],
        "mnist_flow",
        "mnist",
    ),
)


def paper_plan(*, tflops: float = TFLOPS, gpus: int = 1) -> list[dict[str, Any]]:
    """What to run for each figure and table at the paper's size, and what it will take.

    Args:
        tflops: 10^12 multiplications and additions a second that a GPU reaches in training: assumed.
        gpus: that share each batch.

    Returns:
        A row for each job: `makes`; `commands`; `trainings`; `steps` of one; `tflop` of a step, counted in its graph;
        `gpu_hours` of all trainings at the assumed rate; `hours` by the clock on `gpus` of them; `memory_gib` of each
        GPU for weights, optimizer and tensors of its share of the batch, counted likewise. `None` where networks are so
        small that the number of operations decides, minutes to an hour.

    Raises:
        ValueError: numbers that cannot be.

    Example:
    >>> from keras_iresnet.report.paper_size import paper_plan
    >>> slow, fast = (paper_plan(tflops=rate)[-1] for rate in (10, 20))
    >>> round(slow["gpu_hours"] / fast["gpu_hours"], 6)
    2.0
    """
    if not tflops > 0:
        raise ValueError(f"`tflops` must be positive. Received: tflops={tflops!r}")
    if gpus < 1:
        raise ValueError(f"`gpus` must be at least 1. Received: gpus={gpus!r}")
    counts = {row["name"]: row for row in read_recorded(RECORDED / "paper_counts").rows}
    return [_row(job, counts, tflops, gpus) for job in JOBS]


def _row(job, counts, tflops, gpus):
    row: dict[str, Any] = {"makes": job.exhibits, "commands": list(job.commands), "trainings": job.trainings}
    if job.counted is None:
        return row | dict.fromkeys(("steps", "tflop", "gpu_hours", "hours", "memory_gib"))
    count = counts[job.counted]
    steps = zoo.get(job.counted).recipe.epochs * (_TRAINING_IMAGES[job.dataset] // count["batch_size"])
    hours = job.trainings * steps * count["gflop"] / (1000 * tflops) / 3600
    memory = (count["variables_mib"] + count["live_mib"] / gpus) / 1024
    return row | {
        "steps": steps,
        "tflop": count["gflop"] / 1000,
        "gpu_hours": hours,
        "hours": hours / gpus,
        "memory_gib": memory,
    }
