"""A density and a classifier on one backbone, trained together."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.layers.seeds import Seed, split_seed
from keras_iresnet.models.density import Loss
from keras_iresnet.models.files.onnx_functions import OnnxFunction, probability_function
from keras_iresnet.models.flow import Flow
from keras_iresnet.models.head import ClassHead
from keras_iresnet.models.labels import ErrorPercent, check_labelled, check_labels
from keras_iresnet.models.likelihood import BitsPerDim, NegativeLogLikelihood
from keras_iresnet.models.sample_weights import without_fillers
from keras_iresnet.models.signatures import Signature, probability_signature
from keras_iresnet.ops.checks import require


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Hybrid(Flow):
    """A density of images and a classifier of them, where both read the latents of one invertible network.

    A `Flow`, with all that it can do, and a head that classifies its latents (Behrmann et al., ICML 2019, section 6;
    Nalisnick et al., ICML 2019). `fit` takes labels and minimises bits/dim + weight * cross-entropy, the latter in
    nats: for images of D pixels times channels that is to maximise, in nats,

        log p(x) + weight D ln 2 log p(y|x)

    At 28x28x1, D ln 2 is 543; a weight of 1 / (D ln 2) gives log p(x, y). Called on images the model returns
    `{"log_prob": (batch,) nats, "logits": (batch, num_classes)}`.

    Args:
        layer: invertible layer from data space to the latents; a grid of latents is averaged by the head.
        event_shape: (height, width, channels) of an image.
        num_classes: how many classes.
        weight: of the cross-entropy, at least 0.
        **kwargs: as for `Flow`: `bins`, `prior`, `seed`.

    Example:
    >>> import keras_iresnet as ki
    >>> import numpy as np
    >>> block = ki.layers.InvertibleResidualBlock(ki.layers.ConvBranch(8))
    >>> model = ki.models.Hybrid(ki.layers.Chain([ki.layers.Squeeze(), block]), (4, 4, 1), 3, bins=256)
    >>> images = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 1), dtype=np.uint8)
    >>> model.calibrate(images)
    >>> model.predict_proba(images).shape, model.log_prob(images).shape, model.typicality(images).shape
    ((9, 3), TensorShape([9]), TensorShape([9]))
    """

    def __init__(
        self,
        layer: InvertibleLayer,
        event_shape: Sequence[int],
        num_classes: int,
        *,
        weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("condition_size") is not None:
            raise ValueError(
                "`condition_size` must be none: a hybrid tells the classes apart, which a flow of p(x | c) is given. "
                f"Received: condition_size={kwargs['condition_size']!r}"
            )
        if kwargs.get("dequantizer") is not None:
            raise ValueError(
                "`dequantizer` must be none: a hybrid classifies what it gives a density to. Received: one"
            )
        if not weight >= 0:
            raise ValueError(f"`weight` must be at least 0. Received: weight={weight!r}")
        self.num_classes, self.weight = num_classes, weight  # before the flow is built, which needs them
        super().__init__(layer, event_shape, **kwargs)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Create the layers, the prior and the head."""
        super().build(input_shape)
        self.head = ClassHead(self.num_classes, dtype=self.dtype_policy)
        self.head.build((None, *self._latent_event))
        unknown = keras.initializers.Constant(float("nan"))
        self._typical = self.add_weight(name="typical_log_prob", shape=(), initializer=unknown, trainable=False)

    def call(self, x: Any, training: bool | None = None, seed: Seed = None) -> dict[str, tf.Tensor]:
        """x (batch, *event_shape) -> log-likelihood in nats and logits; `seed` as for `log_prob`."""
        noise_seed, probe_seed = split_seed(self._seed(seed), 2)
        z, log_det = self.layer.forward_and_log_det(
            self._in_data_space(x, noise_seed, training=bool(training)), probe_seed, training=bool(training)
        )
        z = self._flat(z)
        return {"log_prob": self.prior.log_prob(z) + log_det, "logits": self._classify(z, training)}

    def logits(self, x: Any) -> tf.Tensor:
        """Images (batch, *event_shape) -> logits (batch, num_classes), of the middles of integers' bins."""
        x = tf.convert_to_tensor(x)
        if x.dtype.is_integer:
            x = (tf.cast(self._checked(x), self.stream_dtype) + 0.5) / self.bins
        return self._classify(self.forward(x))

    def predict_proba(self, x: Any, batch_size: int = 500) -> np.ndarray:
        """Probabilities of the classes of an array of images, (batch, num_classes)."""
        parts = [tf.nn.softmax(self.logits(x[i : i + batch_size])) for i in range(0, len(x), batch_size)]
        return np.concatenate(parts)

    def calibrate(self, x: Any, batch_size: int = 250) -> None:
        """Set the log-likelihood that is typical: its mean over an array of images of the training distribution."""
        starts = range(0, len(x), batch_size)
        log_probs = [self.log_prob(x[start : start + batch_size], seed=start) for start in starts]
        self._typical.assign(tf.reduce_mean(tf.concat(log_probs, 0)))

    @property
    def typical_log_prob(self) -> tf.Tensor:
        """The log-likelihood, in nats, that `calibrate` found.

        Raises:
            ValueError: `calibrate` was not called.
        """
        typical = tf.convert_to_tensor(self._typical)
        return require(typical, ~tf.math.is_nan(typical), "`calibrate` must be called before `typicality`.")

    def typicality(self, x: Any, seed: Seed = 0) -> tf.Tensor:
        """|log p(x) - its typical value| (batch,) nats: large for images unlike those of `calibrate`.

        An image of another kind may be likelier than those that were learned; it is then as untypical as one that is
        less likely (Nalisnick et al., arXiv:1906.02994).

        Raises:
            ValueError: `calibrate` was not called.
        """
        return tf.abs(self.log_prob(x, seed=seed) - self.typical_log_prob)

    def compile(self, optimizer: Any = "adamax", loss: Loss = None, metrics: Any = None, **kwargs: Any) -> None:
        """As `keras.Model.compile`; by default with both losses, bits/dim and the top-1 error."""
        options: dict[str, Any] = {"dimension": self.dimension, "bins": self.bins, "dtype": self.stream_dtype}
        if loss is None:
            entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            loss = {"log_prob": NegativeLogLikelihood(**options), "logits": entropy}
            kwargs["loss_weights"] = {"log_prob": 1.0, "logits": float(self.weight)}
        if metrics is None and not kwargs.get("weighted_metrics"):
            kwargs["weighted_metrics"] = {"log_prob": [BitsPerDim(**options)], "logits": [ErrorPercent()]}
        super().compile(optimizer, loss, metrics, **kwargs)

    def _training_example(self) -> tuple[Any, Any]:
        _, log_prob = super()._training_example()
        labels, logits = tf.zeros((1,), tf.int32), tf.zeros((1, self.num_classes), self.stream_dtype)
        return {"log_prob": labels, "logits": labels}, {"log_prob": log_prob, "logits": logits}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> tf.Tensor:
        """As `keras.Model.compute_loss`, for labels (batch,)."""
        y = check_labels(y, self.num_classes)
        # Not the flow's, which knows no targets.
        targets, weights = {"log_prob": y, "logits": y}, self._weights(sample_weight)
        return keras.Model.compute_loss(self, x, targets, y_pred, weights, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """As `keras.Model.compute_metrics`, for labels (batch,)."""
        targets, weights = {"log_prob": y, "logits": y}, without_fillers(sample_weight)
        return keras.Model.compute_metrics(self, x, targets, y_pred, weights)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "num_classes": self.num_classes, "weight": self.weight}

    def _signatures(self) -> dict[str, Signature]:
        return super()._signatures() | probability_signature(self)

    def _onnx_functions(self, batch_size: int | None, **options: Any) -> dict[str, OnnxFunction]:
        return super()._onnx_functions(batch_size, **options) | probability_function(self, batch_size)

    def _classify(self, z, training=None):
        return self.head(tf.reshape(z, (-1, *self._latent_event)), training=training)

    def _check_targets(self, x: Any, y: Any) -> None:
        check_labelled(x, y, self.num_classes)
