"""Trains the same classifier under several constraints: what the paper's comparisons need."""

import dataclasses
import json
import pathlib

from keras_iresnet.training.run_folder import RunFolder
from keras_iresnet.training.settings import resolve
from keras_iresnet.training.train import train


@dataclasses.dataclass(frozen=True)
class Size:
    """A model and data set that an experiment is made at.

    Attributes:
        model: name in the zoo.
        overrides: of its recipe or builder.
        takes: how long one run does.
        published: label of a variant -> error in per cent that the paper reports (table 2).
    """

    model: str
    overrides: dict
    takes: str
    published: dict


_PAPER = {"blocks": (13, 13, 13)}
SIZES = {
    "digits": Size("digits_classifier", {}, "a minute", {}),
    "mnist": Size("mnist_classifier_small", {}, "15 minutes on two CPU cores", {}),
    "paper-mnist": Size("mnist_classifier", {}, "200 epochs, a GPU", {"vanilla": 0.38, "coeff-0.9": 0.40}),
    "paper-cifar10": Size("cifar10_classifier", _PAPER, "200 epochs, a GPU", {"vanilla": 6.69, "coeff-0.9": 6.78}),
    "paper-cifar100": Size("cifar100_classifier", _PAPER, "200 epochs, a GPU", {"vanilla": 23.97, "coeff-0.9": 24.58}),
}


def variant(label: str) -> dict:
    """The builder's keywords of `"vanilla"`, `"batch-norm"` or `"coeff-0.9"`.

    Example:
    >>> from keras_iresnet.training.sweep import variant
    >>> variant("coeff-0.5"), variant("vanilla")
    ({'coeff': 0.5}, {'coeff': None})
    """
    if label.startswith("coeff-"):
        return {"coeff": float(label.removeprefix("coeff-"))}
    return {"vanilla": {"coeff": None}, "batch-norm": {"coeff": None, "normalization": "batch"}}[label]


def caption(label: str) -> str:
    """A variant's label as pictures have it.

    Example:
    >>> from keras_iresnet.training.sweep import caption
    >>> caption("coeff-0.5"), caption("vanilla")
    ('c = 0.5', 'vanilla')
    """
    return label.replace("coeff-", "c = ")


def sweep(size: str, labels, out, *, overrides=None, data_dir=None, progress: bool = True) -> dict[str, RunFolder]:
    """Train each variant into `out/runs/LABEL`; a run that is there and finished is taken as it is.

    Args:
        size: a key of `SIZES`.
        labels: of the variants, as for `variant`.
        out: folder of the experiment.
        overrides: of recipe and builder, for all of them.
        data_dir: TFDS data directory.
        progress: whether to show it, on standard error.

    Returns:
        Label -> its finished run.

    Raises:
        ValueError: no such size, or a run that is there is unfinished or was made with other settings.
    """
    if size not in SIZES:
        raise ValueError(f"`size` must be one of {', '.join(SIZES)}. Received: size={size!r}")
    chosen, runs = SIZES[size], {}
    for label in labels:
        options = {**chosen.overrides, **(overrides or {}), **variant(label)}
        path = pathlib.Path(out) / "runs" / label
        runs[label] = train_once(chosen.model, path, overrides=options, data_dir=data_dir, progress=progress)
    return runs


def train_once(name: str, path, *, overrides, data_dir=None, progress: bool = True) -> RunFolder:
    """As `train`, unless the folder holds a finished run with these settings.

    Raises:
        ValueError: the run that is there is unfinished or was made with other settings.
    """
    run = RunFolder(path)
    if not _finished(run, resolve(name, overrides)):
        train(name, path, data_dir=data_dir, overrides=overrides, progress=progress)
    return run


def _finished(run, settings):
    """Whether a run with these settings is there; refuses another one."""
    if not run.config.is_file():
        return False
    config = run.read_config()
    wanted = json.loads(json.dumps({"recipe": settings.recipe_fields(), "builder": settings.keywords}))
    same = config["name"] == settings.name and all(config[part] == wanted[part] for part in wanted)
    if not same or "total_seconds" not in run.read_metrics():
        what = "was not finished" if same else "was made with other settings"
        raise ValueError(
            f"A run that is there must be a finished one of this experiment; this one {what}. "
            f"Choose another folder, or delete it. Received: {str(run.path)!r}"
        )
    return True
