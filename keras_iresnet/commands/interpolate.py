"""Walks between test images in the latent space of a run's best checkpoint."""

import os
import pathlib

import numpy as np
import tensorflow as tf

from keras_iresnet.commands.arguments import check_at_least
from keras_iresnet.evaluation import pictures
from keras_iresnet.models import Flow
from keras_iresnet.runs.held_out import held_out_images
from keras_iresnet.runs.kind import is_conditional, load_flow
from keras_iresnet.runs.output import output_file, write
from keras_iresnet.runs.run_folder import RunFolder

METHODS = ("spherical", "linear")


def interpolate_run(
    run: str | os.PathLike,
    *,
    pairs: int = 8,
    steps: int = 9,
    method: str = "spherical",
    temperature: float = 1.0,
    seed: int = 0,
    out: str | os.PathLike | None = None,
    dataset: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
) -> pathlib.Path:
    """Write paths between pairs of test images, one a row: latents by `forward`, a path, images by `inverse`.

    For a flow of p(x | c) the condition goes straight from one image's label to the other's.

    Args:
        run: the run folder.
        pairs: how many.
        steps: images of a row, both ends among them.
        method: `"spherical"` or `"linear"`, see `latent_path`.
        temperature: factor of the path's distance from the prior's mean, at least 0; 1 leaves the ends as they are.
        seed: of the choice of images and of the dequantization noise.
        out: file to write, `.png`, or `.npy` for the integer images (pairs, steps, height, width, channels); by default
            `interpolation-METHOD-seed<seed>-temperature<temperature>.png` in the run folder.
        dataset: where files of one's own are now, if they were moved.
        data_dir: TFDS data directory.

    Returns:
        Path of the file.

    Raises:
        ValueError: no run folder of an image flow, arguments that cannot be, or more images than there are.
        OSError: the file cannot be written, the data cannot be read.
        NotConvergedError: the flow could not be inverted.
    """
    check_at_least(1, pairs=pairs)
    check_at_least(2, steps=steps)
    check_at_least(0, temperature=temperature)
    check_at_least(0, seed=seed)
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}. Received: method={method!r}")
    folder = RunFolder.open(run)
    out = output_file(folder, out, f"interpolation-{method}-seed{seed}-temperature{temperature:g}.png")
    flow = load_flow(folder)
    ends, labels, splits = held_out_images(
        folder,
        2 * pairs,
        seed=seed,
        data_dir=data_dir,
        labels=is_conditional(flow),
        dataset=dataset,
        asked=("pairs", 2),
    )
    images = latent_walk(flow, ends, labels, steps=steps, method=method, temperature=temperature, seed=seed)
    write(images, out, lambda file: pictures.save_image(_grid(images, splits.bins), file))
    return out


def latent_walk(
    flow: Flow,
    ends: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    steps: int = 9,
    method: str = "spherical",
    temperature: float = 1.0,
    seed: int = 0,
) -> np.ndarray:
    """Images on the paths between pairs of images, through the latents of a flow.

    Args:
        flow: of images.
        ends: (2 n, height, width, channels) integers: the first ends, then the last ones.
        labels: (2 n,) of a flow of p(x | c).
        steps: images of a path, both ends among them.
        method: `"spherical"` or `"linear"`, see `latent_path`.
        temperature: factor of the path's distance from the prior's mean.
        seed: of the dequantization noise.

    Returns:
        (n, steps, height, width, channels) integers.

    Raises:
        NotConvergedError: the flow could not be inverted.

    Example:
    >>> import numpy as np
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.commands.interpolate import latent_walk
    >>> flow = ki.zoo.digits_flow(blocks=(1,), channels=4)
    >>> ends = np.random.default_rng(0).integers(0, 17, (4, 8, 8, 1), dtype=np.uint8)
    >>> walk = latent_walk(flow, ends, steps=3)
    >>> walk.shape, bool(np.all(walk[:, 0] == ends[:2])), bool(np.all(walk[:, -1] == ends[2:]))
    ((2, 3, 8, 8, 1), True, True)
    """
    pairs = len(ends) // 2
    latents = flow.forward(flow.to_data(ends, seed), condition=labels)
    loc, scale = flow.prior.moments()
    first, last = tf.split((latents - loc) / scale, 2)
    walk = loc + temperature * scale * latent_path(first, last, steps, method)  # (pairs, steps, D)
    condition = None if labels is None else _condition_path(labels, flow, steps)
    images = flow.to_images(flow.inverse(tf.reshape(walk, (pairs * steps, -1)), condition=condition)).numpy()
    return images.reshape(pairs, steps, *images.shape[1:])


def latent_path(first: np.ndarray, last: np.ndarray, steps: int, method: str = "spherical") -> np.ndarray:
    """Points from `first` to `last`, in latents standardised by the prior.

    With t from 0 to 1 and w the angle between the ends: linear, (1 - t) a + t b; spherical,
    (sin((1 - t) w) a + sin(t w) b) / sin w, which keeps to the radius at which a Gaussian of many dimensions has its
    mass.

    Args:
        first: (n, D) latents a.
        last: (n, D) latents b.
        steps: points of a path, both ends among them.
        method: `"spherical"` or `"linear"`.

    Returns:
        (n, steps, D).

    Reference:
        T. White, Sampling Generative Networks, arXiv:1609.04468, section 2.1.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.commands.interpolate import latent_path
    >>> path = latent_path(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), 3)
    >>> np.round(path[0], 3).tolist()
    [[1.0, 0.0], [0.707, 0.707], [0.0, 1.0]]
    """
    a, b = (np.asarray(end, np.float64)[:, None] for end in (first, last))
    t = np.linspace(0, 1, steps)[:, None]
    straight = (1 - t) * a + t * b
    if method == "linear":
        return straight.astype(np.asarray(first).dtype)
    lengths = _norm(a) * _norm(b)
    cosine = np.sum(a * b, -1, keepdims=True) / np.where(lengths > 0, lengths, 1)
    w = np.arccos(np.clip(cosine, -1, 1))
    bent = (np.sin(w) > 1e-6) & (lengths > 0)  # otherwise there is no angle, and the formula divides by 0
    divisor = np.where(bent, np.sin(w), 1)
    round_ = (np.sin((1 - t) * w) * a + np.sin(t * w) * b) / divisor
    return np.where(bent, round_, straight).astype(np.asarray(first).dtype)


def _condition_path(labels, flow, steps):
    """Labels of all first ends, then of all last ends (2 pairs,) -> conditions (pairs * steps, classes)."""
    first, last = tf.split(tf.one_hot(labels, flow.condition_size), 2)
    return latent_path(first, last, steps, "linear").reshape(-1, flow.condition_size)


def _norm(x):
    return np.linalg.norm(x, axis=-1, keepdims=True)


def _grid(images, bins):
    return pictures.grid(images.reshape(-1, *images.shape[2:]), bins, images.shape[1])
