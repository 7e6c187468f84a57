"""Trains the same classifier under several constraints: what the paper's comparisons need."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_iresnet import data
from keras_iresnet.runs.progress import console
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.settings import Settings, resolve
from keras_iresnet.runs.state.resume import settings_of
from keras_iresnet.runs.train import train


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
# Table 2, in the order of its columns.
_LABELS = ("vanilla", "coeff-0.9", "coeff-0.8", "coeff-0.7", "coeff-0.6", "coeff-0.5")
_TABLE_2 = {
    "mnist": (0.38, 0.40, 0.42, 0.40, 0.42, 0.86),
    "cifar10": (6.69, 6.78, 6.86, 6.93, 7.72, 8.71),
    "cifar100": (23.97, 24.58, 24.99, 25.99, 27.30, 29.45),
}
_PUBLISHED = {data: dict(zip(_LABELS, errors, strict=True)) for data, errors in _TABLE_2.items()}
SIZES = {
    "digits": Size("digits_classifier", {}, "a minute", {}),
    "mnist": Size("mnist_classifier_small", {}, "15 minutes on two CPU cores", {}),
    "paper-mnist": Size("mnist_classifier", {}, "200 epochs, a GPU", _PUBLISHED["mnist"]),
    "paper-cifar10": Size("cifar10_classifier", _PAPER, "200 epochs, a GPU", _PUBLISHED["cifar10"]),
    "paper-cifar100": Size("cifar100_classifier", _PAPER, "200 epochs, a GPU", _PUBLISHED["cifar100"]),
}


def variant(label: str) -> dict:
    """The builder's keywords of `"vanilla"`, `"batch-norm"` or `"coeff-0.9"`.

    Example:
    >>> from keras_iresnet.studies.sweep import variant
    >>> variant("coeff-0.5"), variant("vanilla")
    ({'coeff': 0.5}, {'coeff': None})
    """
    if label.startswith("coeff-"):
        return {"coeff": float(label.removeprefix("coeff-"))}
    others: dict[str, dict] = {"vanilla": {"coeff": None}, "batch-norm": {"coeff": None, "normalization": "batch"}}
    return others[label]


def caption(label: str) -> str:
    """A variant's label as pictures have it.

    Example:
    >>> from keras_iresnet.studies.sweep import caption
    >>> caption("coeff-0.5"), caption("vanilla")
    ('c = 0.5', 'vanilla')
    """
    return label.replace("coeff-", "c = ")


def settings_at(size: str, overrides: Mapping[str, Any] | None = None) -> Settings:
    """What the runs of an experiment have in common.

    Raises:
        ValueError: no such size, or overrides that cannot be.

    Example:
    >>> from keras_iresnet.studies.sweep import settings_at
    >>> settings_at("mnist", {"epochs": "3"}).recipe.epochs
    3
    """
    if size not in SIZES:
        raise ValueError(f"`size` must be one of {', '.join(SIZES)}. Received: size={size!r}")
    return resolve(SIZES[size].model, {**SIZES[size].overrides, **(overrides or {})})


def load_data(
    size: str, *, overrides: Mapping[str, Any] | None = None, data_dir: str | os.PathLike | None = None
) -> data.Splits:
    """The images of an experiment, without labels."""
    recipe = settings_at(size, overrides).recipe
    return data.load(recipe.dataset, data_dir=data_dir, seed=recipe.seed)


def published_errors(size: str, overrides: Mapping[str, Any] | None = None) -> dict:
    """Label -> error in per cent that the paper reports; none where overrides make it another model or other data.

    Example:
    >>> from keras_iresnet.studies.sweep import published_errors
    >>> published_errors("paper-mnist", {"epochs": 1})["coeff-0.9"]
    0.4
    >>> published_errors("paper-mnist", {"channels": (8, 8, 8)})
    {}
    """
    pair = settings_at(size), settings_at(size, overrides)
    papers, ours = ({**one.keywords, "seed": None, "dataset": one.recipe.dataset} for one in pair)
    return SIZES[size].published if ours == papers else {}


def sweep(
    size: str,
    labels: Sequence[str],
    out: str | os.PathLike,
    *,
    overrides: Mapping[str, Any] | None = None,
    data_dir: str | os.PathLike | None = None,
    progress: bool = True,
) -> dict[str, RunFolder | None]:
    """Train each variant in `out/runs/LABEL`; a run that is there goes on, or is taken as it is where it has ended.

    Args:
        size: a key of `SIZES`.
        labels: of the variants, as for `variant`.
        out: folder of the experiment.
        overrides: of recipe and builder, for all of them.
        data_dir: TFDS data directory.
        progress: whether to show it, on standard error.

    Returns:
        Label -> its run, or `None` for an unconstrained network that diverged.

    Raises:
        ValueError: no such size, overrides of what tells the variants apart, or a run that is there was made with
            other settings: all before any training.
        FloatingPointError: the loss of a constrained network did not stay finite.
    """
    shared = settings_at(size, overrides)
    _check_varied(labels, overrides or {})
    asked = {label: (pathlib.Path(out) / "runs" / label, shared.overrides | variant(label)) for label in labels}
    for path, options in asked.values():
        settings_of(shared.name, None, path, options)
    return {
        label: _train(shared.name, path, options, data_dir=data_dir, progress=progress)
        for label, (path, options) in asked.items()
    }


def _check_varied(labels, overrides):
    fields = {field for label in labels for field in variant(label)}
    given = [f"{field}={value!r}" for field, value in overrides.items() if field in fields]
    if given:
        raise ValueError(f"`overrides` must leave what the experiment varies. Received: {', '.join(given)}")


def _train(name, path, options, *, progress, **where):
    """The run; `None` where nothing held the network and its loss became infinite or NaN."""
    try:
        train(name, resume=path, overrides=options, progress=progress, **where)
    except FloatingPointError as error:
        if options["coeff"] is not None:
            raise
        console(progress).print(f"The run in {path} diverged. {error}")
        return None
    return RunFolder(path)
