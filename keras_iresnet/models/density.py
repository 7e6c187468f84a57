"""What a density of examples is to Keras: a model whose output is a log-likelihood, and which has no targets."""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.condition import as_condition
from keras_iresnet.layers.seeds import Seed, as_seed, draw_seed, split_seed
from keras_iresnet.layers.variational_dequantizer import VariationalDequantizer
from keras_iresnet.models.base import InvertibleModel
from keras_iresnet.models.example_checks import (
    SLACK,
    SLACK_OF_SAMPLES,
    check_dtype,
    check_noise,
    check_shape,
    check_values,
    is_array,
)
from keras_iresnet.models.files.onnx_functions import OnnxFunction, flow_functions
from keras_iresnet.models.likelihood import BitsPerDim, Nats, NegativeLogLikelihood, bits_per_dim
from keras_iresnet.models.pairs import check_pairs, with_condition
from keras_iresnet.models.sample_weights import without_fillers
from keras_iresnet.models.signatures import Signature, flow_signatures
from keras_iresnet.ops.dequantize import dequantize, quantize
from keras_iresnet.ops.log_det import LogDetEstimator

Loss: TypeAlias = str | keras.losses.Loss | Callable[..., tf.Tensor] | dict[str, Any] | None


class Density(InvertibleModel):
    """p(x), or p(x | c): how examples and conditions enter, what is minimised, and in which units it is told.

    A subclass has `dimension`, `condition_size` and `seed_generator`, and implements `log_prob` and `sample`.
    """

    dimension: int
    condition_size: int | None
    seed_generator: keras.random.SeedGenerator
    dequantizer: VariationalDequantizer | None = None

    _slack_of_predict = SLACK_OF_SAMPLES
    _weighted_mean = True

    def log_prob(
        self,
        x: Any,
        seed: Seed = None,
        *,
        training: bool = False,
        estimator: LogDetEstimator | None = None,
        condition: Any = None,
    ) -> tf.Tensor:
        """Log-likelihood (batch,) in nats."""
        raise NotImplementedError

    def call(self, x: Any, training: bool | None = None) -> tf.Tensor:
        """x (batch, *event_shape), or a pair of it and conditions -> log-likelihood (batch,) nats."""
        condition = None
        if self.condition_size is not None:
            check_pairs(x)
            x, condition = x
        return self.log_prob(x, training=bool(training), condition=condition)

    def bits_per_dim(
        self, images: Any, seed: Seed = None, *, estimator: LogDetEstimator | None = None, condition: Any = None
    ) -> tf.Tensor:
        """Bits per dimension of integer images (batch, *event_shape), one draw of the noise each -> (batch,)."""
        bins = self._require_bins("bits_per_dim")
        log_prob = self.log_prob(images, seed, estimator=estimator, condition=condition)
        return bits_per_dim(log_prob, dimension=self.dimension, bins=bins)

    def score_samples(self, x: Any, *, condition: Any = None, seed: Seed = 0) -> np.ndarray:
        """`log_prob` as an array (examples,), under scikit-learn's name for it; of the same seed each time."""
        return self.log_prob(x, seed, condition=condition).numpy()

    def score(self, x: Any, *, condition: Any = None, seed: Seed = 0) -> float:
        """The mean of `score_samples`: nats, higher is better."""
        return float(np.mean(self.score_samples(x, condition=condition, seed=seed), dtype=np.float64))

    def to_data(self, images: Any, seed: Seed = None) -> tf.Tensor:
        """Integer images -> data space, (k + u) / bins with the noise u drawn from `seed`."""
        self._require_bins("to_data")
        return self._dequantized(self._checked(images), self._seed(seed))

    def to_images(self, x: Any) -> tf.Tensor:
        """Data space -> integer images: the bins that x lies in, uint8 up to 256 bins."""
        return quantize(tf.convert_to_tensor(x), bins=self._require_bins("to_images"))

    def compile(self, optimizer: Any = "adamax", loss: Loss = None, metrics: Any = None, **kwargs: Any) -> None:
        """As `keras.Model.compile`; the loss is bits/dim (nats for points), with a metric of that name.

        The names `"adam"`, `"adamax"` and `"sgd"` stand for Keras's steps in fewer operations, see
        `keras_iresnet.optimizers`.
        """
        options: dict[str, Any] = {"dimension": self.dimension, "bins": self.bins, "dtype": self.stream_dtype}
        if loss is None:
            loss = NegativeLogLikelihood(**options)
        if metrics is None and not kwargs.get("weighted_metrics"):
            kwargs["weighted_metrics"] = [Nats(dtype=self.stream_dtype) if self.bins is None else BitsPerDim(**options)]
        super().compile(optimizer, loss, metrics, **kwargs)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> tf.Tensor:
        """The compiled loss of the log-likelihoods, sum(w l) / sum(w) with weights w; there are no targets."""
        return super().compute_loss(x, tf.zeros_like(y_pred), y_pred, self._weights(sample_weight), training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """The compiled metrics of the log-likelihoods; there are no targets."""
        return super().compute_metrics(x, tf.zeros_like(y_pred), y_pred, without_fillers(sample_weight))

    def export(self, filepath: Any, format: str = "tf_saved_model", verbose: bool | None = None, **kwargs: Any) -> None:
        """As `InvertibleModel.export`; `format="onnx"` writes files that run without TensorFlow, into a folder.

            forward.onnx    x (batch, *event_shape) in data space -> z (batch, D)
            log_prob.onnx   x -> log_prob (batch,), nats
            inverse.onnx    z -> x, and of each example the largest relative residual of a block, the steps of all
                            blocks, and whether they converged: residual, steps, converged, (batch,)

        Those of p(x | c) take `condition` (batch, condition_size) too. Images are floats in data space, with their
        noise. A `Hybrid` has `predict_proba.onnx` too, as a `Classifier` has. It needs tf2onnx,
        `pip install 'keras-iresnet[onnx]'`.

        Args:
            filepath: folder to write, new or empty.
            format: of the files; those of Keras's own other than these two are as `keras.Model.export` writes them.
            verbose: whether to say what was written.
            **kwargs: of `format="onnx"`: `batch_size`, `None` for any; `estimator` of log-determinants, exact by
                default, which is for up to some hundred dimensions; one with random probes needs a `batch_size`, since
                these are drawn from `seed` (0) and kept; `tolerance` (1.9e-6), the residual at which the fixed points
                of the inverse end, and `max_steps` (200) of each.

        Raises:
            ValueError: an argument that cannot be, or tf2onnx is not installed.
            OSError: the folder cannot be written.
        """
        super().export(filepath, format, verbose, **kwargs)

    def _training_example(self) -> tuple[Any, Any]:
        example = tf.zeros((1,), self.stream_dtype)
        return example, example

    def _signatures(self) -> dict[str, Signature]:
        return flow_signatures(self)

    def _onnx_functions(self, batch_size: int | None, **options: Any) -> dict[str, OnnxFunction]:
        return flow_functions(self, batch_size, **options)

    def _with_targets(self, data: Any) -> Any:
        return with_condition(data, self.condition_size)

    def _check_targets(self, x: Any, y: Any) -> None:
        if self.condition_size is None:
            return
        if isinstance(x, tf.data.Dataset):
            check_pairs(x.element_spec)
        elif is_array(x):
            check_pairs(x if y is None else (x, y))

    def _check_data(self, x, y, weights=None):
        super()._check_data(x, y, weights)
        if self.bins is not None:
            check_noise(x, self.bins)

    def _in_data_space(self, x, noise_seed, *, training=False):
        x = self._checked(x, SLACK if training else SLACK_OF_SAMPLES)
        return self._dequantized(x, noise_seed) if x.dtype.is_integer else tf.cast(x, self.stream_dtype)

    def _with_noise(self, x, noise_seed, probe_seed, *, training=False, estimator=None):
        """x in data space, and the nats that the noise of integer images costs: 0 where it is uniform."""
        bins = self.bins
        if self.dequantizer is None or bins is None or not tf.convert_to_tensor(x).dtype.is_integer:
            return self._in_data_space(x, noise_seed, training=training), 0.0
        images = self._checked(x, SLACK if training else SLACK_OF_SAMPLES)
        carried = Carried(training=training, estimator=estimator)
        # Not the seed that the first block of the flow would have.
        own_seed = split_seed(probe_seed, 2)[1]
        noise, cost = self.dequantizer.draw(images, bins, noise_seed, own_seed, carried=carried)
        return (tf.cast(images, noise.dtype) + noise) * (1 / bins), cost

    def _dequantized(self, images, seed):
        return dequantize(images, seed, bins=self._require_bins("log_prob"), dtype=self.stream_dtype)

    def _floats(self, x):
        """x as a tensor of data space, for what takes no integer images."""
        x = tf.convert_to_tensor(x)
        check_shape(x, self.event_shape)
        check_dtype(x.dtype, None)
        return tf.cast(check_values(x, self.bins, SLACK_OF_SAMPLES), self.stream_dtype)

    def _condition(self, condition, batch=None):
        return as_condition(condition, self.condition_size, self.stream_dtype, batch)

    def _seed(self, seed):
        return draw_seed(self.seed_generator) if seed is None else as_seed(seed)

    def _require_bins(self, method: str) -> int:
        if self.bins is None:
            raise ValueError(f"`{method}` needs a flow of images: set `bins`. Received: bins=None")
        return self.bins
