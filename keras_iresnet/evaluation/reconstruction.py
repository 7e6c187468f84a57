"""There and back: how well an inverse gives back what went in, of a few examples or of a whole data set."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_iresnet.evaluation.batchwise import Bar, compiled
from keras_iresnet.layers import InverseReport
from keras_iresnet.models import Classifier

BATCH = 250
RECONSTRUCTED = 1e-3  # mean absolute error of an image, of the range of its pixels, that nobody sees


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """What came back from features, image by image.

    Attributes:
        errors: (images,), mean absolute difference of a pixel, where pixels lie in [0, 1]; infinite where the
            iteration ran away.
        largest_errors: (images,), the largest difference of a pixel.
        converged: (images,), whether the solver reached its tolerance in every block.
        steps: (images,), fixed-point steps over all blocks.
    """

    errors: np.ndarray
    largest_errors: np.ndarray
    converged: np.ndarray
    steps: np.ndarray

    def figures(self) -> dict:
        """Numbers to report: means and worst images; `None` where they are not finite.

        An unconstrained network need not be injective: the solver may converge to another image with the same
        features. So images that did not come back are counted apart, `not_reconstructed`: errors of 0.001 or more.
        """
        numbers = {
            "mean_abs_error": float(self.errors.mean()),
            "median_abs_error": float(np.median(self.errors)),
            "worst_image_mean_abs_error": float(self.errors.max()),
            "max_abs_error": float(self.largest_errors.max()),
        }
        finite = {name: value if np.isfinite(value) else None for name, value in numbers.items()}
        return finite | {
            "mean_steps": float(self.steps.mean()),
            "not_converged": int((~self.converged).sum()),
            "not_reconstructed": int((self.errors >= RECONSTRUCTED).sum()),
            "images": len(self.errors),
        }


def evaluate_reconstruction(
    classifier: Classifier, dataset: Any, *, limit: int | None = None, progress: bool = False
) -> Reconstruction:
    """Invert the features of all images.

    Args:
        classifier: a `Classifier`.
        dataset: unbatched `tf.data.Dataset` of images, or of (image, label).
        limit: how many images to take, the first ones; all by default.
        progress: whether to show a bar on standard error.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet import data
    >>> from keras_iresnet.evaluation.reconstruction import evaluate_reconstruction
    >>> clf = ki.zoo.digits_classifier(blocks=(1,), channels=4, strides=(1,))
    >>> found = evaluate_reconstruction(clf, data.load("digits").test, limit=20)
    >>> bool(found.converged.all()), bool(found.errors.max() < 1e-5), len(found.steps)
    (True, True, 20)
    """
    batches = (dataset if limit is None else dataset.take(limit)).batch(BATCH)
    scale = classifier.bins - 1

    @compiled
    def there_and_back(images):
        back, report = classifier.invert(classifier.features(images))
        error = infinite_where_nan(tf.abs(back - tf.cast(images, back.dtype) / scale))
        axes = list(range(1, error.shape.rank))
        return tf.reduce_mean(error, axes), tf.reduce_max(error, axes), report.converged, report.steps

    parts = []
    with Bar(batches, progress) as bar:
        for batch in bar.tracked(batches):
            images = batch[0] if isinstance(batch, tuple) else batch
            parts.append([part.numpy() for part in there_and_back(images)])
    return Reconstruction(*(np.concatenate(part) for part in zip(*parts, strict=True)))


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


class ErrorFigures(NamedTuple):
    """How far an inverse is from the exact one, in data space, of the worst example.

    Attributes:
        max_error_bound: proved; infinite where nothing is.
        max_error_estimate: without a proof; infinite where the iteration ran away.
    """

    max_error_bound: float
    max_error_estimate: float

    @classmethod
    def of(cls, report: InverseReport) -> "ErrorFigures":
        """Those of a report that has errors."""
        return cls(float(tf.reduce_max(report.error_bound)), float(tf.reduce_max(report.error_estimate)))

    def __str__(self):
        return f"Largest error of the inverse: bound {self.max_error_bound:.1e}, estimate {self.max_error_estimate:.1e}"


class RoundTrip(NamedTuple):
    """Examples that went there and back.

    Attributes:
        examples: as they came, integer images, or points.
        figures: how it went.
        errors: of the inverse, if they were asked for.
    """

    examples: np.ndarray
    figures: InversionFigures
    errors: ErrorFigures | None = None


def round_trip(model: Any, examples: Any, *, seed: int, condition: Any = None, errors: bool = False) -> RoundTrip:
    """F^-1(F(x)) of examples (n, *event): integer images, dequantized with noise from `seed` for a flow, or points.

    A flow of p(x | c) needs their conditions. `errors` as for `InvertibleLayer.inverse_and_report`.

    Example:
    >>> import numpy as np
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.evaluation.reconstruction import round_trip
    >>> flow = ki.zoo.digits_flow(blocks=(1,), channels=4)
    >>> images = np.full((3, 8, 8, 1), 7, np.uint8)
    >>> found = round_trip(flow, images, seed=0)
    >>> bool(np.all(found.examples == images)), found.figures.not_converged
    (True, 0)
    """
    images = model.bins is not None
    if isinstance(model, Classifier):
        x = tf.cast(examples, model.stream_dtype) / (model.bins - 1)
        back, report = model.invert(model.features(x), errors=errors)
    else:
        x = model.to_data(examples, seed) if images else tf.convert_to_tensor(examples)
        z = model.forward(x, condition=condition)
        back, report = model.inverse_and_report(z, condition=condition, errors=errors)
    error = infinite_where_nan(tf.abs(back - x))
    figures = InversionFigures(
        max_abs_error=float(tf.reduce_max(error)),
        mean_abs_error=float(tf.reduce_mean(error)),
        mean_steps=float(np.mean(report.steps)),
        max_steps=int(tf.reduce_max(report.steps)),
        max_residual=float(tf.reduce_max(infinite_where_nan(report.residual))),
        not_converged=int(np.sum(~report.converged.numpy())),
    )
    examples = (model.to_images(back) if images else back).numpy()
    return RoundTrip(examples, figures, ErrorFigures.of(report) if errors else None)


def infinite_where_nan(errors: Any) -> tf.Tensor:
    """Errors of an inverse that ran away: infinity less infinity is no number, but no small error either.

    Example:
    >>> from keras_iresnet.evaluation.reconstruction import infinite_where_nan
    >>> infinite_where_nan([0.5, float("nan")]).numpy().tolist()
    [0.5, inf]
    """
    return tf.where(tf.math.is_nan(errors), float("inf"), errors)
