"""Proves the best checkpoint of a run invertible, and mends one that is not proved to be."""

import os
import pathlib

from keras_iresnet.evaluation.certificate import Certificate, certify
from keras_iresnet.evaluation.certificate_picture import certified_norms, save_certificate_picture
from keras_iresnet.evaluation.contraction import Contraction, contract
from keras_iresnet.models.files.replacing import replacing
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.tasks.guarantee import certificate_figures


def certify_run(run: str | os.PathLike) -> Certificate:
    """Bound every layer's norm and every block's Lipschitz constant of a run's best checkpoint.

    Args:
        run: the run folder.

    Returns:
        `Certificate`, as `keras_iresnet.certify` makes it of a model: `invertible` says whether all is proved, and
        printed it is a report.

    Raises:
        ValueError: no run folder.
    """
    return certify(RunFolder.open(run).load_best())


def draw_certificate(run: str | os.PathLike, *, path: str | os.PathLike) -> Certificate:
    """Draw each layer's proved bound, the estimate of training, and its norm where the operator can be written out.

    Args:
        run: the run folder.
        path: file, .png.

    Returns:
        The `Certificate` that is drawn.

    Raises:
        ValueError: no run folder, another kind of file, or a model without spectral layers.
        OSError: the file cannot be written.
    """
    if pathlib.Path(path).suffix != ".png":
        raise ValueError(f"`path` must end in .png. Received: path={str(path)!r}")
    folder = RunFolder.open(run)
    model = folder.load_best()
    certificate = certify(model)
    norms = certified_norms(model, certificate)
    with replacing(path) as temporary:
        save_certificate_picture(norms, temporary, title=folder.path.name)
    return certificate


def contract_run(run: str | os.PathLike) -> Contraction:
    """Make the certificate of a run's best checkpoint hold, see `keras_iresnet.contract`, and keep that checkpoint.

    Where a kernel was scaled, what metrics.json says of the splits is of the checkpoint before: evaluate the run again.

    Args:
        run: the run folder of a finished run.

    Returns:
        `Contraction`: which kernels were scaled, and the certificate.

    Raises:
        ValueError: no run folder, one in which a process trains, or a model without `coeff`, or a preset.
        OSError: the folder cannot be written.
    """
    folder = RunFolder.open(run)
    if folder.is_preset:
        raise ValueError(f"`run` must be a run folder: presets stay as they are. Received: run={str(run)!r}")
    with folder.locked():
        model = folder.load_best()
        found = contract(model)
        if found.scaled:
            folder.save(folder.best, model)
            figures = certificate_figures(found.certificate) | {"contracted_kernels": len(found.scaled)}
            folder.write_json(folder.metrics, folder.read_metrics() | figures)
    return found
