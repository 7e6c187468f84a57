"""Images for pictures of a run, drawn from the test split."""

import os
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_iresnet import data
from keras_iresnet.runs.run_data import data_of_run
from keras_iresnet.runs.run_folder import RunFolder

FIRST = 1000  # of the split, which may be too large to read for a picture


class HeldOut(NamedTuple):
    """Images (n, height, width, channels), their labels (n,) where they were asked for, and where they are from."""

    images: np.ndarray
    labels: np.ndarray | None
    splits: data.Splits


def held_out_images(
    run: RunFolder,
    n: int,
    *,
    seed: int,
    data_dir: str | os.PathLike | None,
    labels: bool = False,
    dataset: str | os.PathLike | None = None,
    asked: tuple[str, int] = ("n", 1),
) -> HeldOut:
    """`n` different images drawn with `seed` from the first thousand of the test split of a run's data set.

    `asked` is the argument that an error speaks of, and how many images one of it is; `dataset` is where files of one's
    own are now.

    Raises:
        ValueError: the data have changed, the run's model is one of points, or there are fewer images.
        OSError: the data cannot be read.
    """
    splits = data_of_run(run, data_dir=data_dir, labels=labels, dataset=dataset)
    if splits.bins is None:
        raise ValueError(f"`run` must be one of images. Received: run={str(run.path)!r}, of {splits.name}")
    return draw_images(splits, n, seed=seed, asked=asked)


def draw_images(splits: data.Splits, n: int, *, seed: int, asked: tuple[str, int] = ("n", 1)) -> HeldOut:
    """`n` different images, with their labels if they have them, of the first thousand of the test split.

    Raises:
        ValueError: there are fewer.

    Example:
    >>> from keras_iresnet import data
    >>> from keras_iresnet.runs.held_out import draw_images
    >>> draw_images(data.load("digits", labels=True), 3, seed=0).labels.shape
    (3,)
    """
    images, *classes = (part.numpy() for part in tf.nest.flatten(next(iter(splits.test.batch(FIRST)))))
    if not 1 <= n <= len(images):
        name, each = asked
        raise ValueError(f"`{name}` must lie in 1 to {len(images) // each}. Received: {name}={n // each}")
    chosen = np.random.default_rng(seed).choice(len(images), n, replace=False)
    return HeldOut(images[chosen], classes[0][chosen] if classes else None, splits)
