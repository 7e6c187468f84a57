"""The end of a training: a model that promises contractive branches is handed over with a certificate that holds."""

import dataclasses
import math
from typing import Any

import rich.console

from keras_iresnet import data
from keras_iresnet.evaluation.certificate import Certificate, certify
from keras_iresnet.evaluation.contraction import contract, promises_contraction
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.tasks.task import Task

EXAMPLES = 1000  # of the validation split, by which the cost of a contraction is told
_FIGURES = ("bits_per_dim", "log_likelihood_nats", "error_percent")


def certificate_figures(certificate: Certificate) -> dict[str, Any]:
    """What metrics.json says of a certificate: whether it holds, and the largest bound of a block, or `None`."""
    bound = certificate.bound if math.isfinite(certificate.bound) else None  # JSON has no infinity
    return {"certified": certificate.invertible, "certified_lipschitz_bound": bound}


def guarantee(
    model: Any, splits: data.Splits, *, task: Task, run: RunFolder, seed: int, shown: rich.console.Console
) -> dict[str, Any]:
    """Certify a trained model, contract it where that fails, and save it then as the run's best checkpoint.

    A model without constraint promises nothing, and stays as it is.

    Args:
        model: a model with its best weights.
        splits: the run's data.
        task: what it was trained for.
        run: its folder.
        seed: of the noise and probes by which both evaluations are made.
        shown: where to tell it.

    Returns:
        `certificate_figures`; where it was contracted, also how many kernels were, and for the first 1,000 validation
        examples what that changed: `"contraction_bits_per_dim_change"` or its like, after less before.
    """
    certificate = certify(model)
    if certificate.invertible or not promises_contraction(model):
        return certificate_figures(certificate)
    shown.print("The certificate does not hold: contracting ...")
    before = _validated(model, splits, task, seed)
    found = contract(model)
    run.save(run.best, model)
    after = _validated(model, splits, task, seed)
    changes = {f"contraction_{name}_change": after[name] - value for name, value in before.items()}
    shown.print(f"{len(found.scaled)} kernels were scaled: {changes}", markup=False)
    return certificate_figures(found.certificate) | {"contracted_kernels": len(found.scaled)} | changes


def _validated(model, splits, task, seed):
    """The figures that a training is for, of examples that it was not fitted to."""
    splits = dataclasses.replace(splits, test=splits.validation.take(EXAMPLES))
    found = task.final_figures(model, splits, seed=seed, progress=False)
    return {name: found[f"test_{name}"] for name in _FIGURES if f"test_{name}" in found}
