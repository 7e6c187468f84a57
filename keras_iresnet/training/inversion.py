"""There and back: how well a flow's inverse gives back what went in."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_iresnet.analysis.reconstruction import infinite_where_nan
from keras_iresnet.models import Classifier

COLUMNS = 8  # of a picture of originals above reconstructions


class InversionFigures(NamedTuple):
    """How an inverse went.

    Attributes:
        max_abs_error: largest |x - F^-1(F(x))|, in data space: of an image, where pixels lie in [0, 1]; infinite where
            the iteration ran away.
        mean_abs_error: mean of the same.
        mean_steps: fixed-point steps of an example, over all blocks.
        max_steps: the same of the worst example.
        max_residual: largest relative residual of a block, infinite likewise.
        not_converged: examples with a block that did not reach its tolerance.
    """

    max_abs_error: float
    mean_abs_error: float
    mean_steps: float
    max_steps: int
    max_residual: float
    not_converged: int


class Inversion(NamedTuple):
    """Examples that went there and back, as they came (integer images, or points), and how it went."""

    examples: np.ndarray
    figures: InversionFigures


def invert(model, examples, *, seed, condition=None) -> Inversion:
    """F^-1(F(x)) of examples (n, *event): integer images, dequantized with noise from `seed` for a flow, or points.

    A flow of p(x | c) needs their conditions.

    Example:
    >>> import numpy as np
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.training.inversion import invert
    >>> flow = ki.zoo.digits_flow(blocks=(1,), channels=4)
    >>> images = np.full((3, 8, 8, 1), 7, np.uint8)
    >>> found = invert(flow, images, seed=0)
    >>> bool(np.all(found.examples == images)), found.figures.not_converged
    (True, 0)
    """
    images = model.bins is not None
    if isinstance(model, Classifier):
        x = tf.cast(examples, model.stream_dtype) / (model.bins - 1)
        back, report = model.invert(model.features(x))
    else:
        x = model.to_data(examples, seed) if images else tf.convert_to_tensor(examples)
        back, report = model.inverse_and_report(model.forward(x, condition), condition)
    error = infinite_where_nan(tf.abs(back - x))
    figures = InversionFigures(
        max_abs_error=float(tf.reduce_max(error)),
        mean_abs_error=float(tf.reduce_mean(error)),
        mean_steps=float(np.mean(report.steps)),
        max_steps=int(tf.reduce_max(report.steps)),
        max_residual=float(tf.reduce_max(infinite_where_nan(report.residual))),
        not_converged=int(np.sum(~report.converged.numpy())),
    )
    return Inversion((model.to_images(back) if images else back).numpy(), figures)


def paired(originals, reconstructions, bins) -> np.ndarray:
    """Rows of originals, each above its reconstructions, for a grid of `COLUMNS` columns.

    Args:
        originals: (n, height, width, channels) integers.
        reconstructions: the same.
        bins: number of values of a pixel: the last row is filled up with white.

    Returns:
        (2 m, height, width, channels) with m the next multiple of `COLUMNS`.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.training.inversion import paired
    >>> images = np.arange(9).reshape(9, 1, 1, 1)
    >>> paired(images, 10 + images, bins=100).reshape(4, 8)[:, :2].tolist()
    [[0, 1], [10, 11], [8, 99], [18, 99]]
    """
    missing = -len(originals) % COLUMNS
    rows = []
    for images in (originals, reconstructions):
        white = np.full((missing, *images.shape[1:]), bins - 1, images.dtype)
        rows.append(np.concatenate([images, white]).reshape(-1, COLUMNS, *images.shape[1:]))
    return np.stack(rows, 1).reshape(-1, *originals.shape[1:])
