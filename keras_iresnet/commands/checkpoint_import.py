"""Makes a run folder of a checkpoint of the authors' or of Residual Flows' code."""

import datetime
import hashlib
import os
import pathlib
import shlex
import time
from collections.abc import Sequence
from typing import Any

from keras_iresnet import data
from keras_iresnet.commands.checkpoints.models_of import Facts, Found, model_of
from keras_iresnet.commands.checkpoints.named_tensors import NamedTensors
from keras_iresnet.commands.checkpoints.tensor_file import read_tensors
from keras_iresnet.runs.field_values import as_text, option
from keras_iresnet.runs.machine import provenance
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.settings import Settings, resolve
from keras_iresnet.runs.tasks import task_of

_MODELS = {"density": "image_flow", "classification": "image_classifier"}  # of the zoo, of which they are kinds


def import_checkpoint(
    run: str | os.PathLike,
    *,
    checkpoint: str | os.PathLike,
    event_shape: Sequence[int],
    task: str = "density",
    coeff: float | None = None,
    activation: str | None = None,
    bins: int = 256,
    logit_alpha: float = 0.05,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    dataset: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
) -> dict[str, Any]:
    """Map a PyTorch state dict onto a model of ours, as a run that can be evaluated, sampled, certified and the rest.

    What is read are the networks `conv_iResNet` and `multiscale_conv_iResNet` of
    github.com/jhjacobsen/invertible-resnet and the image models of github.com/rtqichen/residual-flows, by the names of
    their tensors. Kernels are divided by the norm that the stored vectors of the power iteration give, as that code
    does when it evaluates: latents, log-determinants and logits are its own. Not everything is in a state dict; the
    arguments are what is not.

    Args:
        run: folder of the run, new or empty.
        checkpoint: file of a state dict, see `read_tensors`: of safetensors, or of `torch.save`, of which nothing but
            tensors is read. The names may begin with `module.`.
        event_shape: (height, width, channels) of an image.
        task: `"density"`, or `"classification"` for a classifier of `conv_iResNet`.
        coeff: bound that the layers' norms were held at; by default 0.9 for the authors', 0.98 for Residual Flows.
        activation: `"elu"`, `"relu"`, `"softplus"`, or `"maxmin"` for what the authors call sorting; by default
            `"elu"`, and `"lipswish"` where the file has its slopes.
        bins: values of a pixel.
        logit_alpha: of Residual Flows' logit, where there is one: theirs has 1e-6 for MNIST and 0.05 for all others.
        mean: of each channel of the pixels in [0, 1], which a classifier was trained with, such as 0.49, 0.48, 0.45.
        deviation: likewise, such as 0.20, 0.20, 0.20.
        dataset: what the run is evaluated on, as for `train`; without, `dataset` has to be given to `evaluate_run`.
        data_dir: TFDS data directory.

    Returns:
        What config.json keeps of it as `"imported"`: `"file"` and its `"sha256"`, `"source"`, whose code it is of,
        `"parameters"`, `"event_shape"`, `"coeff"`, `"activation"`, and `"raised"`, by name the blocks with a norm above
        `coeff`, and what bound they have in its place, to stay what they are; 1 or more is none.

    Raises:
        ValueError: no such names, a tensor is missing, has another shape, or has no place; the file is cut short, or
            holds more than tensors; an architecture that has no counterpart, such as padded channels under a density,
            a multi-scale classifier, batch normalisation or norms other than l_2; arguments that cannot be, a data set
            of other images; or the folder holds something.
        OSError: a file cannot be read, or the folder not be written.

    Reference: Behrmann et al., ICML 2019; Chen et al., NeurIPS 2019.

    Example:
    >>> import tempfile
    >>> from keras_iresnet.commands import import_checkpoint
    >>> import_checkpoint(tempfile.mkdtemp(), checkpoint="no.safetensors", event_shape=(32, 32, 3))
    Traceback (most recent call last):
    FileNotFoundError: `checkpoint` must be a file. Received: checkpoint='no.safetensors', which is not there
    """
    started = time.monotonic()
    facts = Facts(tuple(event_shape), task, coeff, activation, bins, logit_alpha, _numbers(mean), _numbers(deviation))
    facts.check()
    checkpoint, folder = pathlib.Path(checkpoint), RunFolder.create(run)
    with folder.gone_if_refused(), folder.locked():
        found = model_of(NamedTensors(read_tensors(checkpoint)), facts)
        settings = resolve(_MODELS[task], {} if dataset is None else {"dataset": dataset})
        splits = None
        if dataset is not None:
            its_task = task_of(settings.name, {})
            splits = settings.load(data_dir, labels=its_task.labels)
            its_task.check_fit(found.model, splits)
        imported = _described(checkpoint, found, facts)
        folder.save(folder.best, found.model)
        command = _command(checkpoint, facts, dataset, data_dir)
        config = _config(settings, found, facts, splits, command, data_dir) | {"imported": imported}
        folder.write_json(folder.config, config)
        # It is a run that has ended, without a step of its own.
        seconds = {"train_seconds": 0.0, "total_seconds": round(time.monotonic() - started, 1)}
        folder.write_json(folder.metrics, {"steps": 0, "epochs": 0, "parameters": imported["parameters"]} | seconds)
    return imported


def _numbers(values):
    return None if values is None else tuple(float(value) for value in values)


def _described(checkpoint: pathlib.Path, found: Found, facts: Facts) -> dict[str, Any]:
    """What is told, and kept, of a checkpoint."""
    return {
        "file": checkpoint.name,
        "sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
        "source": found.source,
        "parameters": sum(weight.shape.num_elements() for weight in found.model.trainable_weights),
        "event_shape": list(facts.event_shape),
        "coeff": found.coeff,
        "activation": found.activation,
        "raised": found.raised,
    }


def _config(
    settings: Settings,
    found: Found,
    facts: Facts,
    splits: data.Splits | None,
    command: str,
    data_dir: str | os.PathLike | None,
) -> dict[str, Any]:
    """What config.json of a training holds, as far as it is known."""
    known: dict[str, Any] = {"name": "", "event_shape": facts.event_shape, "bins": facts.bins}
    if splits is not None:
        sizes = {split: len(getattr(splits, split)) for split in ("train", "validation", "test")}
        known |= {"name": splits.name, **sizes, **splits.description.as_json()}
    return {
        "name": settings.name,
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command,
        "deterministic": False,
        "data_dir": data_dir and str(data_dir),
        "init_from": None,
        "overrides": settings.overrides,
        "recipe": settings.recipe_fields(),
        "builder": {"activation": found.activation, "coeff": found.coeff},
        "reading": settings.reading.given(),
        "fitted": [],
        "data": known,
        "versions": provenance.versions(),
        "package_commit": provenance.package_commit(),
        "project_commit": provenance.project_commit(),
        "machine": provenance.machine(),
    }


def _command(checkpoint, facts, dataset, data_dir):
    """The command that asks for the same."""
    given = {**vars(facts), "dataset": dataset, "data_dir": data_dir}
    defaults = vars(Facts(()))
    words = ["keras-iresnet", "import", str(checkpoint)]
    for name, value in given.items():
        if value != defaults.get(name):
            words += [f"--{option(name)}", as_text(value)]
    return shlex.join(words)
