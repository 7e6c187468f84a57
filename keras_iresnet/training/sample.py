"""Draws samples from the best checkpoint of a run."""

import numpy as np

from keras_iresnet import data
from keras_iresnet.analysis import pictures
from keras_iresnet.training.kind import load_flow
from keras_iresnet.training.output import output_file, write
from keras_iresnet.training.run_folder import RunFolder


def sample_run(path, *, n=None, temperature: float = 1.0, seed: int = 0, out=None, data_dir: str | None = None):
    """Draw from a run's best checkpoint, as a picture or as an array.

    Args:
        path: the run folder.
        n: how many; by default 64 images, or 4,096 points.
        temperature: factor of the prior's standard deviation.
        seed: of the draw.
        out: file to write, `.png` or `.npy`; by default `samples-seed<seed>-temperature<temperature>.png` in the run
            folder.
        data_dir: TFDS data directory: the picture of a 2-D flow shows its data beside it.

    Returns:
        Path of the file.

    Raises:
        ValueError: no run folder, or arguments that cannot be.
        OSError: the file cannot be written.
        NotConvergedError: the flow could not be inverted.
    """
    run = RunFolder.open(path)
    out = output_file(run, out, f"samples-seed{seed}-temperature{temperature:g}.png")
    recipe = run.read_config()["recipe"]
    splits = data.load(recipe["dataset"], data_dir=data_dir, seed=recipe["seed"])
    draw(load_flow(run), splits, out, n=n, temperature=temperature, seed=seed)
    return out


def draw(flow, splits, out, *, n=None, temperature=1.0, seed=0, on_failure="raise"):
    """Write samples of `flow` to `out`: images as a grid, points beside the data and the density, or the array."""
    if n is not None and n < 1:
        raise ValueError(f"`n` must be at least 1. Received: n={n}")
    images = splits.bins is not None
    samples = flow.sample(n or (64 if images else 4096), seed=seed, temperature=temperature, on_failure=on_failure)
    samples = np.asarray(flow.to_images(samples) if images else samples)

    def picture(path):
        if images:
            return pictures.save_image(pictures.grid(samples, bins=splits.bins), path)
        points = next(iter(splits.test.batch(len(samples)))).numpy()
        return pictures.save_plane_panels(pictures.plane_panels(flow, points, samples), path)

    write(samples, out, picture)
