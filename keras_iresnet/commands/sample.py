"""Draws samples from the best checkpoint of a run."""

import os
import pathlib

from keras_iresnet import data
from keras_iresnet.commands.arguments import check_at_least
from keras_iresnet.runs.kind import load_flow
from keras_iresnet.runs.output import output_file
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.sample_sheet import check_label, draw_samples


def sample_run(
    run: str | os.PathLike,
    *,
    n: int | None = None,
    label: int | None = None,
    temperature: float = 1.0,
    seed: int = 0,
    out: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
) -> pathlib.Path:
    """Draw from a run's best checkpoint, as a picture or as an array.

    Args:
        run: the run folder.
        n: how many; by default 64 images, or 4,096 points, or 10 images of each class.
        label: class to draw, of a run of p(x | c); by default all of them, in equal parts, one row a class.
        temperature: factor of the prior's standard deviation, at least 0.
        seed: of the draw.
        out: file to write, `.png` or `.npy`; by default `samples-seed<seed>-temperature<temperature>.png` in the run
            folder, with `-label<label>` where there is one.
        data_dir: TFDS data directory, for points alone: the picture of a 2-D flow shows its data beside it.

    Returns:
        Path of the file.

    Raises:
        ValueError: no run folder, or arguments that cannot be, such as a label of a run of p(x).
        OSError: the file cannot be written, the data of points cannot be read.
        NotConvergedError: the flow could not be inverted.
    """
    check_at_least(1, n=n)
    check_at_least(0, label=label)
    check_at_least(0, temperature=temperature)
    folder = RunFolder.open(run)
    config = folder.read_config()
    check_label(label, conditional=config.get("builder", {}).get("conditional", False))
    chosen = "" if label is None else f"-label{label}"
    out = output_file(folder, out, f"samples{chosen}-seed{seed}-temperature{temperature:g}.png")
    recipe, flow = config["recipe"], load_flow(folder)
    splits = data.load(recipe["dataset"], data_dir=data_dir, seed=recipe["seed"]) if flow.bins is None else None
    draw_samples(flow, splits, out, n=n, label=label, temperature=temperature, seed=seed)
    return out
