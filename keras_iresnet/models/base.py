"""What flows, classifiers and hybrids share: data are checked, layers set from them, norms converged, files written."""

import contextlib
from collections.abc import Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import (
    BuiltBeforehand,
    build_losses_and_metrics,
    count_batch,
    is_within_fit,
    track_losses,
)
from keras_iresnet.layers.inverse_report import failures_as_errors
from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.models.convergence import converge_norms, solving_layers, with_convergence
from keras_iresnet.models.example_checks import SLACK, check_batch, check_dtype, check_shape, checked_examples, is_array
from keras_iresnet.models.files.onnx_files import export_onnx
from keras_iresnet.models.files.onnx_functions import OnnxFunction
from keras_iresnet.models.files.saved import Saved, of_known_version
from keras_iresnet.models.first_examples import first_examples
from keras_iresnet.models.label_free import without_missing_labels
from keras_iresnet.models.sample_weights import (
    check_weights,
    replicas,
    resampled,
    shares,
    with_an_example,
    with_targets_for_weights,
)
from keras_iresnet.models.signatures import Signature, export_signatures
from keras_iresnet.ops.checks import assertions_as_errors
from keras_iresnet.optimizers import by_name

LAYER_EXAMPLES = 1024  # that set the layers of a model


class InvertibleModel(FullPrecision, BuiltBeforehand, Saved):
    """A Keras model around one layer, which builds all of its variables when it is made and compiled.

    A subclass implements `initialize`, what is marked so below, and the methods of `keras.Model` that are its own.

    Attributes:
        layer: what turns examples into latents or features.
        event_shape: shape of one example.
        bins: number of values of a pixel, for images; `None` for points.
    """

    layer: keras.layers.Layer
    event_shape: tuple[int, ...]
    bins: int | None

    _slack_of_predict = SLACK  # how far floats of images may lie beyond [0, 1] where nothing is trained with them
    _weighted_mean = False  # whether a loss is over the sum of the weights, rather than the number of examples

    def _hold(self, layer: keras.layers.Layer, event_shape: Sequence[int], bins: int | None) -> None:
        """Take what all models have; part of a subclass's `__init__`."""
        if bins is not None and (not isinstance(bins, int) or bins < 2):
            raise ValueError(f"`bins` must be an integer of at least 2, or None. Received: bins={bins!r}")
        self.layer, self.event_shape, self.bins = layer, tuple(event_shape), bins

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Build the layer, and the flag that says whether it was set from data."""
        if not self.layer.built:
            self.layer.build(tuple(input_shape))
        self._initialized = self.add_weight(
            name="initialized", shape=(), dtype="bool", initializer="zeros", trainable=False
        )

    @property
    def initialized(self) -> bool:
        """Whether what depends on data has been set from data."""
        return bool(tf.convert_to_tensor(self._initialized))

    @property
    def initialization_examples(self) -> int:
        """How many examples `fit` and `train` give to `initialize`."""
        return LAYER_EXAMPLES

    def initialize(self, x: Any) -> None:
        """Set what depends on data from a batch of examples, eagerly; a subclass says what."""
        raise NotImplementedError

    def _check_targets(self, x: Any, y: Any) -> None:
        """Refuse data whose y, or whose second parts, are not what the model is trained with; for a subclass."""

    def _with_targets(self, data: Any) -> Any:
        """A batch as Keras's steps get it -> as they are to use it; for a subclass whose inputs hold targets."""
        return data

    def _training_example(self) -> tuple[Any, Any]:
        """Targets and outputs such as training has, of one example; for a subclass."""
        raise NotImplementedError

    def _signatures(self) -> dict[str, Signature]:
        """What a SavedModel can be asked for; for a subclass."""
        raise NotImplementedError

    def _onnx_functions(self, batch_size: int | None, **options: Any) -> dict[str, OnnxFunction]:
        """What files of ONNX compute; for a subclass."""
        raise NotImplementedError

    def fit(self, x: Any = None, y: Any = None, *args: Any, callbacks: Any = None, **kwargs: Any) -> Any:
        """As `keras.Model.fit`, after `initialize` where that was not done; `y` are labels, or the c of p(x | c).

        With `sample_weight`, what is set from data before training is set from examples that count as much.
        """
        x, weights = without_missing_labels(x), kwargs.get("sample_weight")
        self._check_data(x, y, weights)
        if kwargs.get("validation_data") is not None:
            held_out = keras.utils.unpack_x_y_sample_weight(kwargs["validation_data"])
            self._check_data(*held_out)
            kwargs["validation_data"] = with_targets_for_weights(*held_out)
        if not self.initialized:
            examples, x = first_examples(x, self.initialization_examples, weights)
            self.initialize(examples)
        x, y, *_ = with_targets_for_weights(x, y, weights)
        with _plain_errors():
            return super().fit(x, y, *args, callbacks=with_convergence(callbacks), **kwargs)

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, **kwargs: Any) -> Any:
        """As `keras.Model.train_on_batch`, after `initialize` from the batch where that was not done."""
        if not self.initialized:
            self._check_data(x, y, sample_weight)
            self.initialize(x if sample_weight is None else resampled(x, sample_weight))
        with _plain_errors(lambda: self._check_data(x, y, sample_weight)):
            logs = super().train_on_batch(x, y, sample_weight, **kwargs)
        for layer in solving_layers(self):  # XLA has not
            layer.check_failures()
        return logs

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, **kwargs: Any) -> Any:
        """As `keras.Model.test_on_batch`."""
        with _plain_errors(lambda: self._check_data(x, y, sample_weight)):
            return super().test_on_batch(x, y, sample_weight, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.evaluate`, of data such as `fit` takes."""
        x = without_missing_labels(x)
        weights = kwargs.get("sample_weight")
        if not is_within_fit(kwargs):  # which has checked them
            self._check_data(x, y, weights)
            kwargs["callbacks"] = with_convergence(kwargs.get("callbacks"))
        x, y, *_ = with_targets_for_weights(x, y, weights)
        with _plain_errors():
            return super().evaluate(x, y, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.predict`."""
        self._check_examples(x, self._slack_of_predict)
        kwargs["callbacks"] = with_convergence(kwargs.get("callbacks"))
        with _plain_errors():
            return super().predict(x, *args, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        """As `keras.Model.predict_on_batch`."""
        with _plain_errors(lambda: self._check_examples(x, self._slack_of_predict)):
            return super().predict_on_batch(x)

    def _check_data(self, x, y, weights=None):
        check_weights(weights)
        if is_array(x) and len(x) == 0:
            raise ValueError(f"There must be examples. Received: shape={tuple(x.shape)}")
        self._check_examples(x)
        self._check_targets(x, y)

    def _check_examples(self, x, slack=SLACK):
        """Check an array whole, a data set by its specification; the rest is checked batch by batch."""
        if isinstance(x, tf.data.Dataset):
            check_batch(x.element_spec)
            spec = tf.nest.flatten(x.element_spec)[0]
            check_shape(spec, self.event_shape)
            check_dtype(spec.dtype, self.bins)
        elif is_array(x):
            self._checked(x, slack)

    def _checked(self, x: Any, slack: float = SLACK) -> tf.Tensor:
        """x as a tensor, if it holds examples of this model: the one door by which they enter.

        `slack` is how far floats of images may lie beyond [0, 1].
        """
        return checked_examples(x, self.event_shape, self.bins, slack)

    def compile(self, optimizer: Any, loss: Any, metrics: Any, **kwargs: Any) -> None:
        """As `keras.Model.compile`; `"adam"`, `"adamax"` and `"sgd"` are those of `keras_iresnet.optimizers`.

        They take Keras's steps in fewer operations, and clip by the norm of all replicas together. All that training
        needs is made at once: otherwise `fit` makes the optimizer's variables, for which TensorFlow traces the step a
        second time, and those of losses and metrics in its first step, after a saved state has been put back.
        """
        super().compile(by_name(optimizer), loss, metrics=metrics, **kwargs)
        track_losses(self)
        with self.distribute_strategy.scope():
            self.optimizer.build(self.trainable_variables)
            build_losses_and_metrics(self, *self._training_example())

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile a loaded model as it was when it was saved."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """As `keras.Model.train_step`."""
        return self._with_axis(super().train_step(self._batch(data)))

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """As `keras.Model.test_step`."""
        return self._with_axis(super().test_step(self._batch(data)))

    def _batch(self, data):
        data = self._with_targets(data)
        return with_an_example(data) if replicas() > 1 else data

    def _weights(self, sample_weight: Any) -> Any:
        """Weights (batch,) of a loss, such that it is that of all replicas' examples; see `sample_weights.shares`."""
        if sample_weight is None:
            return None
        found = shares(tf.cast(sample_weight, self.stream_dtype), weighted_mean=self._weighted_mean)
        count_batch(self, found.count)
        return found.weights

    def predict_step(self, data: Any) -> Any:
        """As `keras.Model.predict_step`."""
        data = self._with_targets(data)
        if replicas() == 1:
            return super().predict_step(data)
        count = tf.shape(tf.nest.flatten(data)[0])[0]
        outputs = super().predict_step(with_an_example(data))
        return tf.nest.map_structure(lambda output: output[:count], outputs)

    def _with_axis(self, logs):
        """Logs as Keras wants them of several machines: it averages them along their first axis."""
        if not isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return logs
        return {name: tf.reshape(value, (1,)) for name, value in logs.items()}

    def export(self, filepath: Any, format: str = "tf_saved_model", verbose: bool | None = None, **kwargs: Any) -> None:
        """As `keras.Model.export`; a SavedModel has the signatures of the class, any batch size, the result `output_0`.

        `format="onnx"` is as the class says. A SavedModel of a flow is given the seed of its randomness:

            log_prob(x (batch, *event_shape), seed ()) -> (batch,) nats; x as `fit` takes it, images as integers
            sample(n (), seed ()) -> (n, *event_shape), data space

        Those of a conditional flow take `condition` too, (batch, condition_size) or (n, condition_size). A classifier's
        take integer images, those of a `Hybrid` are a flow's and the first of these:

            predict_proba(x (batch, *event_shape)) -> (batch, num_classes)
            features(x (batch, *event_shape)) -> (batch, *feature_shape)

        Example:
        >>> import tempfile
        >>> import keras_iresnet as ki
        >>> import tensorflow as tf
        >>> flow, folder = ki.zoo.toy_flow(blocks=1, units=(8,)), tempfile.mkdtemp()
        >>> flow.export(folder, verbose=False)
        >>> served = tf.saved_model.load(folder).signatures  # with TensorFlow alone
        >>> x = served["sample"](n=tf.constant(3), seed=tf.constant(0))["output_0"]
        >>> served["log_prob"](x=x, seed=tf.constant(0))["output_0"].shape
        TensorShape([3])
        """
        converge_norms(self)
        if format == "onnx":
            export_onnx(self, self._onnx_functions, filepath, verbose=verbose is not False, **kwargs)
        elif format != "tf_saved_model" or kwargs:
            super().export(filepath, format=format, verbose=verbose, **kwargs)
        else:
            export_signatures(self, self._signatures(), filepath, verbose=verbose is not False)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {
            **super().get_config(),
            "layer": keras.saving.serialize_keras_object(self.layer),
            "event_shape": list(self.event_shape),
            "bins": self.bins,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the layer from its config."""
        config = of_known_version(config)
        return cls(**{**config, "layer": keras.saving.deserialize_keras_object(config["layer"])})


@contextlib.contextmanager
def _plain_errors(examine=None):
    """What assertions of a compiled step are raised as: those of data, see `assertions_as_errors`, and of solves."""
    with assertions_as_errors(examine), failures_as_errors():
        yield
