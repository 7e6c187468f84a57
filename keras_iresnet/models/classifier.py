"""An invertible classifier as a Keras model: a linear head reads features that give the image back."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.invertible import InvertibleLayer, check_invertible
from keras_iresnet.models.base import InvertibleModel
from keras_iresnet.models.convergence import converge_norms
from keras_iresnet.models.example_checks import in_unit_interval
from keras_iresnet.models.features import Features
from keras_iresnet.models.files.onnx_functions import OnnxFunction, classifier_functions
from keras_iresnet.models.head import ClassHead
from keras_iresnet.models.labels import ErrorPercent, check_labelled, check_labels
from keras_iresnet.models.sample_weights import without_fillers
from keras_iresnet.models.signatures import Signature, classifier_signatures
from keras_iresnet.ops.dequantize import quantize


class Inversion(NamedTuple):
    """Images that features came from, and how they were found.

    Attributes:
        images: (batch, *event_shape), pixels in [0, 1].
        report: the solver's `InverseReport`: steps, residual and converged for each image, and errors if asked for.
    """

    images: tf.Tensor
    report: InverseReport


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Classifier(InvertibleModel):
    """Logits of an image's class: batch normalisation, ReLU, mean over the grid and a dense layer, on features.

    The features are the image in other coordinates: `layer` is invertible, or injective where it pads, and
    `invert(features(x))` is x (Behrmann et al., ICML 2019, section 5.1). Integer images are scaled to [0, 1].
    `compile` brings cross-entropy and the top-1 error along; labels are integers (batch,). ActNorm is set from the
    first examples before training, by `fit` itself if `initialize` was not called.

    Args:
        layer: invertible layer (usually a `Chain`) from images in [0, 1] to features (..., channels). Any other Keras
            layer will do for a baseline, whose features then cannot be inverted.
        event_shape: (height, width, channels) of an image.
        num_classes: how many classes, at least 2.
        bins: number of values of a pixel.

    Call arguments:
        x: (batch, *event_shape), integers in [0, bins) or floats in [0, 1].
        training: whether power iterations and the averages of batch normalisation advance.

    Example:
    >>> import keras_iresnet as ki
    >>> import numpy as np
    >>> block = ki.layers.InvertibleResidualBlock(ki.layers.ConvBranch(8))
    >>> chain = ki.layers.Chain([ki.layers.Squeeze(), ki.layers.InjectivePad(2), block])
    >>> clf = ki.models.Classifier(chain, (4, 4, 1), num_classes=3)
    >>> images = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 1), dtype=np.uint8)
    >>> images_again, report = clf.invert(clf.features(images))
    >>> np.array_equal(clf.to_images(images_again), images), bool(np.all(report.converged))
    (True, True)
    >>> clf(images).shape, clf.predict_proba(images).sum(-1).round(5).tolist() == [1.0] * 9
    (TensorShape([9, 3]), True)
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        event_shape: Sequence[int],
        num_classes: int,
        *,
        bins: int = 256,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, keras.layers.Layer) or isinstance(layer, InvertibleLayer):
            check_invertible("layer", layer, self)
        if not isinstance(bins, int) or bins < 2:
            raise ValueError(f"`bins` must be an integer of at least 2. Received: bins={bins!r}")
        self._hold(layer, event_shape, bins)
        self.head, self.num_classes = ClassHead(num_classes, dtype=self.dtype_policy), num_classes
        self.build((None, *self.event_shape))

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Create all layers at once: the shape is known from the start."""
        super().build(input_shape)
        self.feature_shape = tuple(self.layer.compute_output_shape(tuple(input_shape)))[1:]
        self.head.build((None, *self.feature_shape))

    bins: int
    num_classes: int

    @property
    def has_inverse(self) -> bool:
        """Whether the backbone is an invertible layer, so that features can be inverted."""
        return isinstance(self.layer, InvertibleLayer)

    def call(self, x: Any, training: bool | None = None) -> tf.Tensor:
        """x (batch, *event_shape) -> logits (batch, num_classes)."""
        return self.head(self.features(x, training=training), training=training)

    def logits(self, x: Any) -> tf.Tensor:
        """x (batch, *event_shape) -> logits (batch, num_classes) of the trained network: a call, not in training."""
        return self(x, training=False)

    def features(self, x: Any, training: bool | None = None) -> tf.Tensor:
        """x (batch, *event_shape), as for a call -> features (batch, *feature_shape); x may be a `keras.Input`."""
        if isinstance(x, keras.KerasTensor):
            return self.feature_extractor(x, training=training)
        return self.layer(self._in_data_space(x), training=training)

    @functools.cached_property
    def feature_extractor(self) -> Features:
        """The network below the head as a layer, weights shared, for models on top of its features."""
        return Features(self.layer, self.event_shape, self.bins, dtype=self.dtype_policy, name=f"{self.name}_features")

    def invert(self, features: Any, *, errors: bool = False) -> Inversion:
        """The images that features (batch, *feature_shape) came from, with the report of the solver.

        Nothing is raised where it does not converge: without a `coeff` nothing promises that, and the report says so.
        With `errors` it has `error_bound` and `error_estimate` too, as for `InvertibleLayer.inverse_and_report`.

        Raises:
            ValueError: the backbone is no invertible layer.
        """
        if not self.has_inverse:
            raise ValueError(f"`layer` must be invertible to be inverted. Received: {type(self.layer).__name__}")
        return Inversion(*self.layer.inverse_and_report(features, errors=errors))

    def predict_proba(self, x: Any, **kwargs: Any) -> np.ndarray:
        """Probabilities of the classes, an array (batch, num_classes); `kwargs` as for `keras.Model.predict`."""
        logits = self.predict(x, **{"verbose": 0, **kwargs})
        return np.asarray(tf.nn.softmax(logits))

    def to_images(self, x: Any) -> tf.Tensor:
        """Pixels in [0, 1] -> the nearest integers in [0, bins), uint8 up to 256 bins."""
        levels = tf.convert_to_tensor(x) * (self.bins - 1)
        return quantize((tf.round(levels) + 0.5) / self.bins, bins=self.bins)

    def initialize(self, x: Any) -> None:
        """Set every ActNorm from one batch of images (batch, *event_shape), eagerly, in place."""
        converge_norms(self)
        if hasattr(self.layer, "initialize"):
            self.layer.initialize(self._in_data_space(x))
        self._initialized.assign(True)

    def compile(self, optimizer: Any = "sgd", loss: Any = None, metrics: Any = None, **kwargs: Any) -> None:
        """As `keras.Model.compile`; by default with cross-entropy and the metric `error_percent`."""
        if loss is None:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if metrics is None and not kwargs.get("weighted_metrics"):
            kwargs["weighted_metrics"] = [ErrorPercent()]
        super().compile(optimizer, loss, metrics, **kwargs)

    def _training_example(self) -> tuple[Any, Any]:
        return tf.zeros((1,), tf.int32), tf.zeros((1, self.num_classes), self.stream_dtype)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> tf.Tensor:
        """As `keras.Model.compute_loss`, for labels that are classes of this model."""
        y = check_labels(y, self.num_classes)
        return super().compute_loss(x, y, y_pred, self._weights(sample_weight), training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """As `keras.Model.compute_metrics`."""
        return super().compute_metrics(x, y, y_pred, without_fillers(sample_weight))

    def export(self, filepath: Any, format: str = "tf_saved_model", verbose: bool | None = None, **kwargs: Any) -> None:
        """As `InvertibleModel.export`; `format="onnx"` writes files that run without TensorFlow, into a folder.

            predict_proba.onnx  x (batch, *event_shape) integers -> probabilities and logits (batch, num_classes)
            features.onnx       x -> features (batch, *feature_shape)
            invert.onnx         features -> images in [0, 1], and of each the largest relative residual of a block, the
                                steps of all blocks, and whether they converged: residual, steps, converged, (batch,)

        The last is there where the features can be inverted. Integers are uint8 up to 256 values, int32 beyond. It
        needs tf2onnx, `pip install 'keras-iresnet[onnx]'`.

        Args:
            filepath: folder to write, new or empty.
            format: of the files; those of Keras's own other than these two are as `keras.Model.export` writes them.
            verbose: whether to say what was written.
            **kwargs: of `format="onnx"`: `batch_size`, `None` for any; `tolerance` (1e-5), the residual at which the
                fixed points of the inverse end, and `max_steps` (200) of each.

        Raises:
            ValueError: an argument that cannot be, or tf2onnx is not installed.
            OSError: the folder cannot be written.
        """
        super().export(filepath, format, verbose, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "num_classes": self.num_classes}

    def _signatures(self) -> dict[str, Signature]:
        return classifier_signatures(self)

    def _onnx_functions(self, batch_size: int | None, **options: Any) -> dict[str, OnnxFunction]:
        return classifier_functions(self, batch_size, **options)

    def _in_data_space(self, x):
        return in_unit_interval(self._checked(x), self.bins, self.stream_dtype)

    def _check_targets(self, x: Any, y: Any) -> None:
        check_labelled(x, y, self.num_classes)
