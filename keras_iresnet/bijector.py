"""An invertible layer as a bijector of TensorFlow Probability, and the distribution that it makes of a Gaussian."""

import math
from collections.abc import Hashable, Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow_probability import bijectors as tfb
from tensorflow_probability import distributions as tfd

from keras_iresnet.borrowed.tensorflow_names import is_recording
from keras_iresnet.borrowed.tfp_names import untracked, without_tracking
from keras_iresnet.layers.condition import condition_for, condition_size_of
from keras_iresnet.layers.event_shape import event_shapes, replace_event, require_event
from keras_iresnet.layers.inverse_report import check_on_failure
from keras_iresnet.layers.invertible import InvertibleLayer, check_invertible
from keras_iresnet.layers.seeds import as_seed, draw_seed
from keras_iresnet.layers.spectral.spectral_layer import advance_power_iterations
from keras_iresnet.layers.weight_state import weight_state
from keras_iresnet.ops.log_det import LogDetEstimator


@without_tracking("_weights")
class InvertibleResNetBijector(tfb.Bijector):
    """A view of an invertible layer: `forward` is the layer, data to latents, `inverse` its fixed points.

    The layer owns the weights; TFP and `tf.Module` see each of them once, as `trainable_variables` and `variables`. The
    value is differentiable both ways, the inverse by the implicit function theorem. For a density of data take
    `tfd.TransformedDistribution(prior, tfb.Invert(bijector))`; where sampling must be cheap and densities are asked of
    samples alone, as in variational inference, leave out `tfb.Invert`.

    Values are those of the layer in evaluation. TFP caches them by the identity of the input; here, and in bijectors
    made of this one, they count only as long as no weight has changed and no gradient tape was opened.

    Args:
        layer: an `InvertibleLayer` that keeps the number of dimensions, usually a `Chain`.
        event_shape: of one example; needed if the layer is not built.
        flatten: whether latents come as (..., D), whatever the layer's own shape of them is.
        estimator: of log|det|, for all blocks; `None` leaves each its own.
        seed: of the random probes: an integer or a pair of integers for the same in every evaluation (a biased but
            smooth log-det, as MCMC needs it), a `keras.random.SeedGenerator`, or `None` for one of its own.
        on_failure: `"raise"`, `"warn"` or `"ignore"`, as for `InvertibleLayer.inverse`.
        training: whether the power iterations take a step whenever the weights have changed. Set it while the
            weights are trained by anything but `Flow.fit`, and call `ki.layers.converge_power_iterations` afterwards.
        condition_size: length of the vectors that conditional branches take; by default that of a branch that says so.
        validate_args: as for any bijector; the checks named below are always made.
        name: of the operations.

    Call arguments, which distributions pass on as `bijector_kwargs`:
        condition: what conditional branches depend on: integer labels (...) or vectors (..., condition_size), broadcast
            to the batch.
        seed: integer or pair of integers, in place of the bijector's own.

    Raises:
        ValueError: the layer changes the number of dimensions, or has none yet; an event does not fit.
        TypeError: a tensor of another dtype than the layer's.
        NotConvergedError: an inverse did not converge, see `on_failure`.

    Reference: Behrmann et al., ICML 2019, equations 3 and 4, algorithm 1.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> import tensorflow_probability as tfp
    >>> block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((16,)), estimator=ki.ExactLogDet())
    >>> bijector = ki.InvertibleResNetBijector(block, event_shape=(2,))
    >>> normal = tfp.distributions.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    >>> density = tfp.distributions.TransformedDistribution(normal, tfp.bijectors.Invert(bijector))
    >>> samples = density.sample((3, 5), seed=0)
    >>> samples.shape, density.log_prob(samples).shape, len(density.trainable_variables)
    (TensorShape([3, 5, 2]), TensorShape([3, 5]), 4)
    """

    def __init__(
        self,
        layer: InvertibleLayer,
        *,
        event_shape: Sequence[int] | None = None,
        flatten: bool = False,
        estimator: LogDetEstimator | None = None,
        seed: Any = None,
        on_failure: str = "raise",
        training: bool = False,
        condition_size: int | None = None,
        validate_args: bool = False,
        name: str | None = None,
    ) -> None:
        parameters = dict(locals())
        check_invertible("layer", layer)
        check_on_failure(on_failure)
        self._data_event, self._layer_event = event_shapes(layer, event_shape)
        self._latent_event = (math.prod(self._layer_event),) if flatten else self._layer_event
        super().__init__(
            dtype=tf.as_dtype(layer.stream_dtype),
            forward_min_event_ndims=len(self._data_event),
            inverse_min_event_ndims=len(self._latent_event),
            validate_args=validate_args,
            parameters=parameters,
            name=name,
        )
        self._layer = untracked(self, layer)
        self._estimator, self._on_failure, self._training = estimator, on_failure, training
        self._seed = untracked(self, keras.random.SeedGenerator() if seed is None else seed)
        self._weights = untracked(self, [weight.value for weight in layer.weights])
        self._tracked = _tracked(layer, self._seed)
        self._condition_size = condition_size_of(layer) if condition_size is None else condition_size
        self._advanced: Hashable = None

    @property
    def layer(self) -> InvertibleLayer:
        """The Keras layer that this is a view of."""
        return self._layer

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}  # nothing here has a batch shape

    def forward(self, x: Any, name: str = "forward", **kwargs: Any) -> tf.Tensor:
        """Data (..., *event) -> latents."""
        self._prepare(x)
        return super().forward(x, name, **kwargs)

    def inverse(self, y: Any, name: str = "inverse", **kwargs: Any) -> tf.Tensor:
        """Latents -> data (..., *event)."""
        self._prepare(y)
        return super().inverse(y, name, **kwargs)

    def forward_log_det_jacobian(
        self, x: Any, event_ndims: int | None = None, name: str = "forward_log_det_jacobian", **kwargs: Any
    ) -> tf.Tensor:
        """Log|det dF/dx| (...) in nats at data x (..., *event)."""
        self._prepare(x)
        return super().forward_log_det_jacobian(x, event_ndims, name, **kwargs)

    def inverse_log_det_jacobian(
        self, y: Any, event_ndims: int | None = None, name: str = "inverse_log_det_jacobian", **kwargs: Any
    ) -> tf.Tensor:
        """The negative of `forward_log_det_jacobian` at the data that latents y belong to."""
        self._prepare(y)
        return super().inverse_log_det_jacobian(y, event_ndims, name, **kwargs)

    def __hash__(self):
        """Another one after the weights have changed, and within a gradient tape.

        TFP's caches, also those of bijectors around this one, find values by the hash: one from before an update is no
        longer true, one from outside a tape has no gradients inside it.
        """
        return hash((super().__hash__(), weight_state(self._weights), is_recording()))

    def _prepare(self, x):
        """Refuse another dtype, and let the power iterations follow weights that have changed."""
        if tf.is_tensor(x) and x.dtype != self.dtype:
            raise TypeError(f"The input must have the dtype of the layer, {self.dtype.name}. Received: {x.dtype.name}")
        if self._training and weight_state(self._weights) != self._advanced:
            advance_power_iterations(self._layer)
            self._advanced = untracked(self, weight_state(self._weights))

    def _forward(self, x, seed=None, condition=None):
        return self._apply(self._layer, x, condition, self._data_event, self._latent_event)

    def _inverse(self, y, seed=None, condition=None):
        def inverse(latents, condition):
            latents = tf.reshape(latents, (-1, *self._layer_event))
            return self._layer.inverse(latents, condition=condition, on_failure=self._on_failure)

        return self._apply(inverse, y, condition, self._latent_event, self._data_event)

    def _forward_log_det_jacobian(self, x, seed=None, condition=None):
        def log_det(data, condition):
            options = {"estimator": self._estimator, "condition": condition}
            return self._layer.forward_and_log_det(data, self._draw(seed), **options)[1]

        return self._apply(log_det, x, condition, self._data_event, ())

    def _draw(self, seed):
        seed = self._seed if seed is None else seed
        return draw_seed(seed) if isinstance(seed, keras.random.SeedGenerator) else as_seed(seed)

    def _apply(self, function, x, condition, event, result_event):
        """Function of (batch, *event) and a condition (batch, size) or None, applied to (..., *event)."""
        x = require_event(x, event)
        batch_shape = tf.shape(x)[: -len(event)]
        condition = condition_for(condition, self._condition_size, x.dtype, batch_shape)
        result = function(tf.reshape(x, (-1, *event)), condition)
        return tf.reshape(result, tf.concat([batch_shape, tf.constant(result_event, tf.int32)], 0))

    def _forward_event_shape(self, shape):
        return replace_event(shape, self._data_event, self._latent_event)

    def _inverse_event_shape(self, shape):
        return replace_event(shape, self._latent_event, self._data_event)

    def _forward_event_shape_tensor(self, shape):
        return tf.concat([shape[: -len(self._data_event)], self._latent_event], 0)

    def _inverse_event_shape_tensor(self, shape):
        return tf.concat([shape[: -len(self._latent_event)], self._data_event], 0)


def data_distribution(bijector: InvertibleResNetBijector, prior: tfd.Distribution) -> tfd.TransformedDistribution:
    """The distribution of data whose latents (D,) follow a prior."""
    return tfd.TransformedDistribution(prior, tfb.Invert(bijector))


def _tracked(layer, seed):
    """The `tf.Variable`s behind a layer's weights: a Keras variable is none, so TFP would not see it.

    Weights that were frozen are left as Keras variables, which are saved but not trained: the flag of a `tf.Variable`
    cannot be changed.
    """
    trained = {id(weight) for weight in layer.trainable_weights}
    tracked = [
        weight if weight.value.trainable and id(weight) not in trained else weight.value for weight in layer.variables
    ]
    return [*tracked, seed.state.value] if isinstance(seed, keras.random.SeedGenerator) else tracked
