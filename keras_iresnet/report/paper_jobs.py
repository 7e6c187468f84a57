"""The paper's own sizes: which commands make each figure and table."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Job:
    """Some commands, and the trainings among them.

    Args:
        exhibits: what they make.
        commands: in order.
        counted: name of what is trained in `paper_counts`, or `None` where no step of it is counted.
        dataset: that it is trained on.
        trainings: how many.
        at_most: whether a training may end sooner, by the patience of its recipe.
    """

    exhibits: str
    commands: Sequence[str]
    counted: str | None = None
    dataset: str = "cifar10"
    trainings: int = 1
    at_most: bool = False


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


def _points(model):
    toys = ("8gaussians", "checkerboard", "moons")
    train = f"keras-iresnet train {model} --dataset toy"
    return [f"{train}/{toy} --blocks 100 --minutes none --out paper/{model}_{toy}" for toy in toys]


# The recipe of these is of a laptop's minutes.
_CLASSIFIER = "--dataset cifar10 --batch-size 128 --minutes none --patience none"

JOBS = (
    Job("Figure 1", ["keras-iresnet figures dynamics --size paper --out paper/dynamics"]),
    Job("Figure 2, i-ResNet", _points("toy_flow"), "toy_flow", "toy", 3),
    Job("Figure 2, Glow", _points("glow"), "glow", "toy", 3, at_most=True),
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
            f"keras-iresnet train glow_classifier {_CLASSIFIER} --out paper/glow_affine",
            f"keras-iresnet train glow_classifier {_CLASSIFIER} --affine false --mixing reverse "
            "--out paper/glow_additive",
        ],
        "glow_classifier",
        trainings=2,
    ),
    Job(
        "Section 5.1, i-RevNet",
        [f"keras-iresnet train irevnet_classifier {_CLASSIFIER} --out paper/irevnet"],
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
