"""Images for pictures of a run, drawn from the test split."""

import numpy as np

from keras_iresnet import data

FIRST = 1000  # of the split, which may be too large to read for a picture


def held_out_images(run, n, *, seed, data_dir) -> tuple[np.ndarray, data.Splits]:
    """`n` different images drawn with `seed` from the first thousand of the test split of a run's data set.

    Raises:
        ValueError: the run's model is one of points, or there are fewer images.
        OSError: the data cannot be read.
    """
    recipe = run.read_config()["recipe"]
    splits = data.load(recipe["dataset"], data_dir=data_dir, seed=recipe["seed"])
    if splits.bins is None:
        raise ValueError(f"`run` must be one of images. Received: run={str(run.path)!r}, of {splits.name}")
    images = next(iter(splits.test.batch(FIRST))).numpy()
    if not 1 <= n <= len(images):
        raise ValueError(f"`n` must lie in 1 to {len(images)}. Received: n={n}")
    return images[np.random.default_rng(seed).choice(len(images), n, replace=False)], splits
