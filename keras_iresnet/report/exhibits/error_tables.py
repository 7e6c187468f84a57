"""Tables 2 and 3: errors of classifiers, from recorded runs and from the zoo's records."""

from typing import Any, NamedTuple

import numpy as np

from keras_iresnet.comparison.published import IREVNET, RESNET_164
from keras_iresnet.report.exhibit import Exhibit, Shown
from keras_iresnet.report.sources import Sources, records_on
from keras_iresnet.studies.sweep import SIZES, caption

BY_COEFF = "error_by_coeff"


class Beside(NamedTuple):
    """A classifier of ours and what it stands beside.

    Attributes:
        title: of ours.
        paper: which of the paper's it stands beside, and where that is.
        published: its error in % of CIFAR-10; `None` where table 3 alone has it, which was not at hand.
    """

    title: str
    paper: str
    published: float | None


_CIFAR10 = SIZES["paper-cifar10"].published
CLASSIFIERS = {
    "glow_classifier_affine": Beside("Glow, affine, 1x1 convolutions", "Glow, table 3", None),
    "glow_classifier_additive": Beside("Glow, additive, reversed channels", "Glow, table 3", None),
    "irevnet_classifier": Beside("i-RevNet", "i-RevNet, section 5.1", IREVNET["cifar10"]),
    "resnet_classifier": Beside("no constraint, batch normalization", "vanilla, table 2", _CIFAR10["vanilla"]),
    "iresnet_classifier": Beside("i-ResNet, c = 0.9", "c = 0.9, table 2", _CIFAR10["coeff-0.9"]),
}
_DIGITS, _MNIST = "digits_classifier", "mnist_classifier_small"
_PAPERS = {"MNIST": "paper-mnist", "CIFAR-10": "paper-cifar10", "CIFAR-100": "paper-cifar100"}


def by_coeff(sources: Sources) -> Shown:
    """The paper's cells, and ours below."""
    record = sources.recorded(BY_COEFF)
    ours = {row["model"]: row for row in record.rows}
    mnist = {"coeff-0.9": _error_of(_MNIST, "mnist")}
    rows = [
        {
            "data": f"{data}, the paper",
            **{caption(label): error for label, error in SIZES[size].published.items()},
            "ResNet-164": RESNET_164.get(data.lower().replace("-", "")),
        }
        for data, size in _PAPERS.items()
    ]
    labels = list(SIZES["paper-mnist"].published)
    rows.append(
        {"data": f"MNIST, {_MNIST}", **{caption(label): mnist.get(label) for label in labels}, "ResNet-164": None}
    )
    digits = {caption(label): _told(ours[label]) if label in ours else None for label in labels}
    rows.append({"data": f"8x8 digits, {_DIGITS}", **digits, "ResNet-164": None})
    beside = [
        (
            f"test error in %, {caption(label)}",
            ", ".join(f"{SIZES[size].published[label]:.2f} ({data})" for data, size in _PAPERS.items()),
            "; ".join(
                filter(None, [mnist.get(label) and f"{mnist[label]} (MNIST)", f"{digits[caption(label)]} (digits)"])
            ),
        )
        for label in labels
    ]
    settings = [
        "The paper's networks: 21 blocks for MNIST and 54 for CIFAR by its text, 39 by its appendix; 200 epochs.",
        "Ours with standard errors over the test split: 10,000 images of MNIST, 360 digits.",
        f"Digits: {record.told}",
        f"MNIST: {_command_of(_MNIST, 'mnist')}",
    ]
    errors = {"digits_error_percent": np.array([row["test_error_percent"] for row in record.rows], float)}
    return Shown(errors, beside=beside, tables={"Test error in %": rows}, settings=settings)


def other_classifiers(sources: Sources) -> Shown:
    """The paper's column, and ours of 8x8 digits."""
    settings = ["The paper's figures of Glow, in its table 3 alone, were not at hand."]
    found, rows, beside = [], [], []
    there = sources.recorded_there(list(CLASSIFIERS))
    for name, (title, paper, published) in CLASSIFIERS.items():
        row: dict[str, Any] = {}
        if name in there:
            record = sources.recorded(name)
            row = record.rows[0]
            found.append(row["test_error_percent"])
            settings.append(f"{title}: {record.told}")
        ours = _told(row) if row else None
        rows.append(
            {
                "here": title,
                "8x8 digits, here": ours,
                **{key: row.get(key) for key in ("parameters", "steps")},
                "in the paper": paper,
                "CIFAR-10, the paper": published,
            }
        )
        theirs = "not at hand" if published is None else f"{published:.2f}, CIFAR-10"
        beside.append((title, f"{theirs} ({paper})", ours or "not recorded"))
    settings.append("360 test digits, with the standard error over them.")
    errors = {"digits_error_percent": np.array(found, float)}
    return Shown(errors, beside=beside, tables={"Test error in %": rows}, settings=settings)


def _told(row):
    if row["test_error_percent"] is None:
        return "diverged"
    return f"{row['test_error_percent']:.2f} ± {row['test_error_percent_standard_error']:.2f}"


def _figure(model, data):
    return next((one for one in records_on(model, data) if one.metric == "error_percent"), None)


def _error_of(model, data):
    figure = _figure(model, data)
    return figure and figure.number()


def _command_of(model, data):
    figure = _figure(model, data)
    return f"{' && '.join(figure.commands)} (commit {figure.commit}, {figure.machine})" if figure else "no record"


ERROR_BY_COEFF = Exhibit(
    "table-2",
    "Table 2: what the constraint costs in accuracy",
    "The paper trains the same classifier without the constraint and with c from 0.9 to 0.5. Here at the size of an "
    "8x8 digit, and of MNIST in a quarter of an hour: ours are other networks on other data, to be read along the row.",
    by_coeff,
    recorded=[BY_COEFF],
    records=[_MNIST],
)
OTHER_CLASSIFIERS = Exhibit(
    "table-3",
    "Table 3: beside other invertible classifiers",
    "The paper has Glow's network classify CIFAR-10, and an i-ResNet of its depth and width. Here small ones of each, "
    "and ours without the constraint, on 8x8 digits, with about as many parameters, two minutes of one core each.",
    other_classifiers,
    recorded=list(CLASSIFIERS),
)
