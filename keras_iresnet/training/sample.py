"""Draws samples from the best checkpoint of a run."""

import numpy as np

from keras_iresnet import data
from keras_iresnet.analysis import pictures
from keras_iresnet.training.kind import load_flow
from keras_iresnet.training.output import output_file, write
from keras_iresnet.training.run_folder import RunFolder

PER_CLASS = 10


def sample_run(
    path, *, n=None, label=None, temperature: float = 1.0, seed: int = 0, out=None, data_dir: str | None = None
):
    """Draw from a run's best checkpoint, as a picture or as an array.

    Args:
        path: the run folder.
        n: how many; by default 64 images, or 4,096 points, or 10 images of each class.
        label: class to draw, of a run of p(x | c); by default all of them, in equal parts, one row a class.
        temperature: factor of the prior's standard deviation.
        seed: of the draw.
        out: file to write, `.png` or `.npy`; by default `samples-seed<seed>-temperature<temperature>.png` in the run
            folder, with `-label<label>` where there is one.
        data_dir: TFDS data directory, for points alone: the picture of a 2-D flow shows its data beside it.

    Returns:
        Path of the file.

    Raises:
        ValueError: no run folder, or arguments that cannot be, such as a label of a run of p(x).
        OSError: the file cannot be written.
        NotConvergedError: the flow could not be inverted.
    """
    run = RunFolder.open(path)
    chosen = "" if label is None else f"-label{label}"
    out = output_file(run, out, f"samples{chosen}-seed{seed}-temperature{temperature:g}.png")
    recipe, flow = run.read_config()["recipe"], load_flow(run)
    splits = data.load(recipe["dataset"], data_dir=data_dir, seed=recipe["seed"]) if flow.bins is None else None
    draw(flow, splits, out, n=n, label=label, temperature=temperature, seed=seed)
    return out


def draw(flow, splits, out, *, n=None, label=None, temperature=1.0, seed=0, on_failure="raise"):
    """Write samples of `flow` to `out`: images as a grid, points beside the data and the density, or the array."""
    if n is not None and n < 1:
        raise ValueError(f"`n` must be at least 1. Received: n={n}")
    images, classes = flow.bins is not None, flow.condition_size if label is None else None
    n = n or (PER_CLASS * classes if classes else 64 if images else 4096)
    options = {"temperature": temperature, "on_failure": on_failure, "condition": _labels(flow, n, label)}
    samples = flow.sample(n, seed, **options)
    samples = np.asarray(flow.to_images(samples) if images else samples)

    def picture(path):
        if images:
            columns = n // classes if classes and n % classes == 0 else None
            return pictures.save_image(pictures.grid(samples, flow.bins, columns), path)
        points = next(iter(splits.test.batch(len(samples)))).numpy()
        return pictures.save_plane_panels(pictures.plane_panels(flow, points, samples), path)

    write(samples, out, picture)


def _labels(flow, n, label):
    """Labels (n,) of what is to be drawn: one class, or all of them in order, or `None` where there are none."""
    if flow.condition_size is None:
        if label is not None:
            raise ValueError(f"`label` must be none for a run of p(x), which knows no classes. Received: label={label}")
        return None
    return np.arange(n) * flow.condition_size // n if label is None else np.full(n, label)
