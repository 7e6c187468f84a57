"""Writes the best checkpoint of a run as a SavedModel, or as files of ONNX, which run where this package is not."""

import os
import pathlib
from typing import Any

from keras_iresnet.models.density import Density
from keras_iresnet.ops.log_det import SeriesLogDet
from keras_iresnet.runs.run_folder import RunFolder

FOLDERS = {"tf_saved_model": "saved_model", "onnx": "onnx"}  # of each format, in the run folder


def export_run(
    run: str | os.PathLike,
    *,
    out: str | os.PathLike | None = None,
    format: str = "tf_saved_model",
    batch_size: int | None = None,
    num_terms: int | None = None,
    verbose: bool = True,
) -> pathlib.Path:
    """Write what `export` of the model does: `Density.export` of a flow, `Classifier.export` of a classifier.

    Args:
        run: the run folder.
        out: folder to write, new or empty; by default `saved_model` or `onnx` in the run folder.
        format: `"tf_saved_model"` or `"onnx"`.
        batch_size: of every call of files of ONNX; any by default.
        num_terms: of the series, with one random probe, of which log-determinants in files of ONNX are made; they are
            exact by default, which is for up to some hundred dimensions.
        verbose: whether to print what was written.

    Returns:
        The folder.

    Raises:
        ValueError: no run folder, `out` holds something, an argument that cannot be, or tf2onnx is not installed.
        OSError: the folder cannot be written.
    """
    if format not in FOLDERS:
        raise ValueError(f"`format` must be one of {', '.join(FOLDERS)}. Received: format={format!r}")
    folder = RunFolder.open(run)
    path = folder.outputs / FOLDERS[format] if out is None else pathlib.Path(out)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"`out` must be a new or an empty folder. Received: out={str(path)!r}")
    model = folder.load_best()
    model.export(path, format, verbose, **_options(model, format, batch_size, num_terms))
    return path


def _options(model, format, batch_size, num_terms) -> dict[str, Any]:
    given = {"batch_size": batch_size, "num_terms": num_terms}
    given = {name: value for name, value in given.items() if value is not None}
    if given and format != "onnx":
        name, value = next(iter(given.items()))
        raise ValueError(f"`{name}` must be none unless `format` is 'onnx'. Received: {name}={value!r}")
    if num_terms is None:
        return given
    if not isinstance(model, Density):
        raise ValueError(
            f"`num_terms` must be none for a model without log-determinants. Received: num_terms={num_terms!r}"
        )
    return {"batch_size": batch_size, "estimator": SeriesLogDet(num_terms, 1)}
