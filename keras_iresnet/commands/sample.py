"""Draws samples from the best checkpoint of a run."""

import os
import pathlib
from collections.abc import Callable
from typing import Any

from keras_iresnet import data
from keras_iresnet.commands.arguments import check_at_least
from keras_iresnet.evaluation.reconstruction import ErrorFigures
from keras_iresnet.runs.kind import is_conditional, load_flow
from keras_iresnet.runs.output import FORMATS, output_file
from keras_iresnet.runs.run_data import data_of_run, description_of
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.sample_sheet import check_label, draw_samples


def sample_run(
    run: str | os.PathLike,
    *,
    n: int | None = None,
    label: int | str | None = None,
    temperature: float = 1.0,
    seed: int = 0,
    out: str | os.PathLike | None = None,
    dataset: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    tell: Callable[[ErrorFigures], None] | None = None,
) -> pathlib.Path:
    """Draw from a run's best checkpoint, as a picture, an array or a table.

    Args:
        run: the run folder.
        n: how many; by default 64 images, or 4,096 points, or 10 images of each class.
        label: class to draw, by number or by name, of a run of p(x | c); by default all of them, in equal parts, one
            row a class.
        temperature: factor of the prior's standard deviation, at least 0.
        seed: of the draw.
        out: file to write, `.png` or `.npy`, or of points `.csv`, with the columns of the table that the run was
            trained on; by default `samples-seed<seed>-temperature<temperature>.png` in the run folder, with
            `-label<label>` where there is one.
        dataset: where files of one's own are now, if they were moved.
        data_dir: TFDS data directory. Data are read for points alone: pictures show them beside the samples.
        tell: called with how far the samples can be from the exact inverse of their latents, which takes a few times
            as long as to draw them.

    Returns:
        Path of the file.

    Raises:
        ValueError: no run folder, or arguments that cannot be, such as a label of a run of p(x).
        OSError: the file cannot be written, the data of points cannot be read.
        NotConvergedError: the flow could not be inverted.
    """
    check_at_least(1, n=n)
    check_at_least(0, temperature=temperature)
    folder = RunFolder.open(run)
    config = folder.read_config()
    label = _number(label, description_of(folder))
    check_at_least(0, label=label)
    check_label(label, conditional=config["builder"].get("conditional", False))
    chosen = "" if label is None else f"-label{label}"
    points = config.get("data", {}).get("bins", 0) is None
    formats = (*FORMATS, ".csv") if points else FORMATS
    out = output_file(folder, out, f"samples{chosen}-seed{seed}-temperature{temperature:g}.png", formats)
    flow, splits = load_flow(folder), None
    if flow.bins is None:
        splits = data_of_run(folder, data_dir=data_dir, labels=is_conditional(flow), dataset=dataset)
    options: dict[str, Any] = {"n": n, "label": label, "temperature": temperature, "seed": seed}
    report = draw_samples(flow, splits, out, errors=tell is not None, **options)
    if tell is not None:
        tell(ErrorFigures.of(report))
    return out


def _number(label: int | str | None, description: data.Description) -> int | None:
    """The number of a class that may be given by name."""
    if label is None or isinstance(label, int):
        return label
    if label in description.class_names:
        return description.class_names.index(label)
    try:
        return int(label)
    except ValueError as error:
        known = ", ".join(description.class_names) or "a number"
        raise ValueError(f"`label` must be one of {known}. Received: label={label!r}") from error
