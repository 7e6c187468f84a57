"""A normalizing flow as a Keras model: an invertible layer and a prior make a density."""

import math
from collections.abc import Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import own_variables
from keras_iresnet.layers.inverse_report import InverseReport, settle
from keras_iresnet.layers.invertible import InvertibleLayer, check_invertible
from keras_iresnet.layers.seeds import Seed, split_seed
from keras_iresnet.layers.variational_dequantizer import VariationalDequantizer
from keras_iresnet.layers.weight_state import weight_state
from keras_iresnet.models.base import LAYER_EXAMPLES
from keras_iresnet.models.convergence import converge_norms
from keras_iresnet.models.example_checks import check_deviations, check_shape
from keras_iresnet.models.files.old_files import take_prior, with_prior
from keras_iresnet.models.tfp_views import TfpViews
from keras_iresnet.ops.log_det import LogDetEstimator
from keras_iresnet.priors import as_prior
from keras_iresnet.priors.prior import check_temperature


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Flow(TfpViews):
    """ln p(x) = ln p_z(F(x)) + ln|det dF/dx|  (Behrmann et al., ICML 2019, equation 3).

    `flow(x)` is the log-likelihood in nats, so the model is compiled, fitted, evaluated, saved and exported as any
    other Keras model. Images may be integers: they are dequantized inside, with fresh noise at each call. `compile`
    brings the loss and the metric along (bits/dim for images, nats for points); labels are ignored.

    The density is learned from a good start: before training, `initialize` sets ActNorm and the prior from the first
    examples. `fit` does it by itself if it was not done.

    Args:
        layer: invertible layer (usually a `Chain`) from data space to the latents.
        event_shape: shape of one example: (height, width, channels) or (D,).
        prior: what the latents follow: one of `keras_iresnet.priors`, of which `DiagonalNormal()` is the default; a
            distribution of TFP over events (D,); or an object with the methods of a `Prior`.
        bins: number of values of a pixel, for images; `None` for points.
        condition_size: for a density p(x | c): the number of classes that labels c (batch,) tell apart, or the length
            of vectors c (batch, condition_size). Labels act as unit vectors. The branches of the blocks must have
            the same `condition_size`. `None` for p(x).
        dequantizer: what draws the noise of integer images, a `VariationalDequantizer`; `None` for uniform noise. With
            one, likelihoods of integer images, in training too, are draws of a bound of log P(image).
        seed: integer that all noise drawn without an explicit seed comes from.

    Call arguments:
        x: (batch, *event_shape), integers in [0, bins) or floats in data space, which is [0, 1) for images; for
            p(x | c) a pair (x, c), which `fit`, `evaluate` and `predict` make of `x` and `y`.
        training: whether power iterations advance.

    Example:
    >>> import keras_iresnet as ki
    >>> import numpy as np
    >>> block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((16, 16)), estimator=ki.ExactLogDet())
    >>> flow = ki.models.Flow(ki.layers.Chain([ki.layers.ActNorm(), block]), event_shape=(2,))
    >>> points = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    >>> flow.compile("adam")
    >>> history = flow.fit(points, epochs=1, verbose=0)
    >>> flow.log_prob(points).shape, flow.sample(3).shape
    (TensorShape([64]), TensorShape([3, 2]))
    """

    def __init__(
        self,
        layer: InvertibleLayer,
        event_shape: Sequence[int],
        *,
        prior: Any = None,
        bins: int | None = None,
        condition_size: int | None = None,
        dequantizer: VariationalDequantizer | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_invertible("layer", layer, self)
        if dequantizer is not None and bins is None:
            raise ValueError("A `dequantizer` is for images: set `bins`. Received: bins=None")
        # First, so that its weights are the first: optimizers and states of training list them by place.
        self.prior = as_prior(prior, self.dtype_policy)
        self._hold(layer, event_shape, bins)
        self.dequantizer = dequantizer
        self.condition_size, self.seed = condition_size, seed
        self.dimension = math.prod(self.event_shape)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.build((None, *self.event_shape))

    def log_prob(
        self,
        x: Any,
        seed: Seed = None,
        *,
        training: bool = False,
        estimator: LogDetEstimator | None = None,
        condition: Any = None,
    ) -> tf.Tensor:
        """Log-likelihood in data space.

        Args:
            x: (batch, *event_shape), integer images or floats in data space.
            seed: integer or pair of integers of the dequantization noise and the probes; `None` draws one.
            training: whether power iterations advance.
            estimator: replaces the blocks' own log-det estimators, e.g. `ExactLogDet()`.
            condition: labels (batch,) or vectors (batch, condition_size), for a flow that has a `condition_size`.

        Returns:
            (batch,) nats.
        """
        options = {"training": training, "estimator": estimator, "condition": condition}
        return self.log_prob_by_seeds(x, *split_seed(self._seed(seed), 2), **options)

    def log_prob_by_seeds(self, x: Any, noise_seed: tf.Tensor, probe_seed: tf.Tensor, **options: Any) -> tf.Tensor:
        """`log_prob`, whose options it takes, with a seed (2,) each of the dequantization noise and of the probes."""
        condition = options.pop("condition", None)
        x, cost = self._with_noise(x, noise_seed, probe_seed, **options)
        condition = self._condition(condition, tf.shape(x)[0])
        z, log_det = self.layer.forward_and_log_det(x, probe_seed, condition=condition, **options)
        return self.prior.log_prob(self._flat(z)) + log_det - cost

    def sample(
        self,
        n: int | tf.Tensor | None = None,
        seed: Seed = None,
        *,
        temperature: float = 1.0,
        condition: Any = None,
        tolerance: float | None = None,
        on_failure: str = "raise",
    ) -> tf.Tensor:
        """Draw n examples (n, *event_shape) in data space, of p(x | c) one for each condition.

        Args:
            n: how many; as many as there are conditions by default.
            seed: integer or pair of integers; `None` draws one.
            temperature: factor of the deviation of the prior, at least 0; each of its components keeps its place.
            condition: labels (n,) or vectors (n, condition_size).
            tolerance: as for `InvertibleLayer.inverse`.
            on_failure: likewise.
        """
        options: dict[str, Any] = {"temperature": temperature, "condition": condition, "tolerance": tolerance}
        return settle(*self.sample_and_report(n, seed, **options), on_failure)

    def sample_and_report(
        self,
        n: int | tf.Tensor | None = None,
        seed: Seed = None,
        *,
        temperature: float = 1.0,
        condition: Any = None,
        tolerance: float | None = None,
        errors: bool = False,
    ) -> tuple[tf.Tensor, InverseReport]:
        """`sample`, and the report of the inverse, whether or not it converged; `errors` as for the inverse."""
        check_temperature(temperature)
        condition = self._condition(condition)
        if n is None and condition is None:
            raise ValueError("`n` says how many to draw where no `condition` does. Received: n=None")
        z = self.prior.sample(tf.shape(condition)[0] if n is None else n, self._seed(seed), temperature)
        return self.inverse_and_report(z, condition=condition, tolerance=tolerance, errors=errors)

    def forward(self, x: Any, *, condition: Any = None) -> tf.Tensor:
        """Data space (batch, *event_shape) -> latents (batch, D)."""
        x = self._floats(x)
        return self._flat(self.layer(x, condition=self._condition(condition, tf.shape(x)[0])))

    def forward_and_log_det(
        self,
        x: Any,
        seed: Seed = None,
        *,
        training: bool = False,
        estimator: LogDetEstimator | None = None,
        condition: Any = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Data space (batch, *event_shape) -> latents (batch, D) and log|det dF/dx| (batch,) in nats."""
        x = self._floats(x)
        condition = self._condition(condition, tf.shape(x)[0])
        options = {"training": training, "estimator": estimator, "condition": condition}
        z, log_det = self.layer.forward_and_log_det(x, self._seed(seed), **options)
        return self._flat(z), log_det

    def inverse(
        self, z: Any, *, condition: Any = None, tolerance: float | None = None, on_failure: str = "raise"
    ) -> tf.Tensor:
        """Latents (batch, D) -> data space; `tolerance` and `on_failure` as for `InvertibleLayer.inverse`."""
        return settle(*self.inverse_and_report(z, condition=condition, tolerance=tolerance), on_failure)

    def inverse_and_report(
        self, z: Any, *, condition: Any = None, tolerance: float | None = None, errors: bool = False
    ) -> tuple[tf.Tensor, InverseReport]:
        """`inverse`, and its `InverseReport`, with `errors` as for `InvertibleLayer.inverse_and_report`."""
        z = tf.cast(tf.convert_to_tensor(z), self.stream_dtype)
        check_shape(z, (self.dimension,))
        latents = tf.reshape(z, (-1, *self._latent_event))
        condition = self._condition(condition, tf.shape(z)[0])
        return self.layer.inverse_and_report(latents, condition=condition, tolerance=tolerance, errors=errors)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Create the layers and the prior, all at once: the shape is known from the start."""
        super().build(input_shape)
        self._latent_event = tuple(self.layer.compute_output_shape(tuple(input_shape)))[1:]
        if math.prod(self._latent_event) != self.dimension:
            raise ValueError(
                "A density needs a bijection: latents must have as many dimensions as the data. "
                f"Received: event_shape={self.event_shape}, latent shape={self._latent_event}"
            )
        if self.dequantizer is not None and not self.dequantizer.built:
            self.dequantizer.build((None, *self.event_shape))
        self._untouched_prior = None
        if not self.prior.built:
            self.prior.build((None, self.dimension))
            self._untouched_prior = weight_state([weight.value for weight in self.prior.weights])
        if self.prior.dimension != self.dimension:
            raise ValueError(
                f"`prior` must be one of {self.dimension} dimensions. Received: a prior of {self.prior.dimension}"
            )

    @property
    def initialization_examples(self) -> int:
        """How many examples `fit` and `train` give to `initialize`: 1,024, or as many as the prior wants."""
        return max(super().initialization_examples, self.prior.wanted_examples)

    def initialize(self, x: Any) -> None:
        """Set every ActNorm from the first 1,024 of a batch of examples, then the prior from all; in place.

        What was set before stays as it is: layers that were initialised, trained or frozen, and a prior that has
        weights of its own already, or had them when this flow was made.

        Args:
            x: (batch, *event_shape), integer images or floats in data space; about a thousand examples, and at least
                as many as the prior needs.
        """
        self.prior.check_examples(len(x))
        x = self._in_data_space(x, self._seed(None), training=True)
        converge_norms(self)
        first, *others = (x[start : start + LAYER_EXAMPLES] for start in range(0, len(x), LAYER_EXAMPLES))
        points = self.bins is None
        z = [self._flat(self.layer.initialize(first, condition=self._any_condition(first), points=points))]
        forward = tf.function(lambda x: self.forward(x, condition=self._any_condition(x)), reduce_retracing=True)
        z += [forward(part) for part in others]
        if points:
            check_deviations(z[0])
        if self._untouched_prior == weight_state([weight.value for weight in self.prior.weights]):
            self.prior.initialize(tf.concat(z, 0))
        self._initialized.assign(True)

    def _any_condition(self, x):
        """A condition for each of x where there must be one: before training none has an effect."""
        return None if self.condition_size is None else tf.zeros((tf.shape(x)[0], self.condition_size), x.dtype)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {
            **super().get_config(),
            "prior": keras.saving.serialize_keras_object(self.prior),
            "condition_size": self.condition_size,
            "dequantizer": self.dequantizer and keras.saving.serialize_keras_object(self.dequantizer),
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild layer and prior from their configs."""
        config = with_prior(config)
        for part in ("prior", "dequantizer"):
            if isinstance(config.get(part), dict):
                config = {**config, part: keras.saving.deserialize_keras_object(config[part])}
        return super().from_config(config)

    def load_own_variables(self, store: Any) -> None:
        """As `keras.Model.load_own_variables`; older files have the prior's weights among the flow's."""
        own = len(own_variables(self))
        super().load_own_variables(store if len(store.keys()) <= own else take_prior(self.prior, store, own))

    def _flat(self, z):
        return tf.reshape(z, (-1, self.dimension))
