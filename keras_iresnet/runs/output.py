"""The file that a command of a run writes: a picture, or the arrays behind it."""

import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from keras_iresnet.models.files.replacing import replacing
from keras_iresnet.runs.run_folder import RunFolder

FORMATS = (".png", ".npy")


def output_file(
    run: RunFolder, out: str | os.PathLike | None, default: str, formats: Sequence[str] = FORMATS
) -> pathlib.Path:
    """The file to write, checked before any work: `out`, or the one called `default` among the run's.

    Raises:
        ValueError: it has no known ending.
        FileNotFoundError: it would lie in a folder that is not there.
    """
    if out is None:
        run.outputs.mkdir(exist_ok=True)
    out = run.outputs / default if out is None else pathlib.Path(out)
    if out.suffix not in formats:
        raise ValueError(f"`out` must end in {' or '.join(formats)}. Received: out={str(out)!r}")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"`out` must be in a folder that is there. Received: out={str(out)!r}")
    return out


def write(array: np.ndarray, out: str | os.PathLike, save_picture: Callable[[pathlib.Path], None]) -> None:
    """Write `array` where `out` is `.npy`, else call `save_picture(path)`; a reader never sees half a file."""
    with replacing(out) as temporary:
        if pathlib.Path(out).suffix == ".npy":
            np.save(temporary, array)
        else:
            save_picture(temporary)
