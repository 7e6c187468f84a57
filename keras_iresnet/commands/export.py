"""Writes the best checkpoint of a run as a SavedModel, which runs where TensorFlow alone is installed."""

import os
import pathlib

from keras_iresnet.runs.run_folder import RunFolder


def export_run(run: str | os.PathLike, *, out: str | os.PathLike | None = None, verbose: bool = True) -> pathlib.Path:
    """Write what `Model.export` does.

    Args:
        run: the run folder.
        out: folder to write, new or empty; by default `saved_model` in the run folder.
        verbose: whether to print what the file can be asked.

    Returns:
        The folder.

    Raises:
        ValueError: no run folder, or `out` holds something.
        OSError: the folder cannot be written.
    """
    folder = RunFolder.open(run)
    path = folder.path / "saved_model" if out is None else pathlib.Path(out)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"`out` must be a new or an empty folder. Received: out={str(path)!r}")
    folder.load_best().export(path, verbose=verbose)
    return path
