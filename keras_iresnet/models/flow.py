"""A normalizing flow as a Keras model: an invertible layer and a prior make a density."""

import math

import keras
import tensorflow as tf

from keras_iresnet.layers.inverse_report import settle
from keras_iresnet.layers.invertible import check_invertible
from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.layers.seeds import as_seed, draw_seed, split_seed
from keras_iresnet.layers.spectral.spectral_layer import converge_power_iterations
from keras_iresnet.models.checks import check_dtype, check_shape, check_values, is_array
from keras_iresnet.models.condition import Conditional, as_condition, check_pairs
from keras_iresnet.models.export import Exported, flow_signatures
from keras_iresnet.models.gaussian_prior import GaussianPrior
from keras_iresnet.models.likelihood import BitsPerDim, Nats, NegativeLogLikelihood, bits_per_dim
from keras_iresnet.models.prepared import Prepared
from keras_iresnet.models.replicated import Replicated
from keras_iresnet.ops.dequantize import dequantize, quantize

_AT_ONCE = 1024  # examples that set the layers; a prior of many components needs more than have room at once


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Flow(GaussianPrior, FullPrecision, Conditional, Exported, Prepared, Replicated, keras.Model):
    """ln p(x) = ln p_z(F(x)) + ln|det dF/dx|  (Behrmann et al., ICML 2019, equation 3).

    `flow(x)` is the log-likelihood in nats, so the model is compiled, fitted, evaluated, saved and exported as any
    other Keras model. Images may be integers: they are dequantized inside, with fresh noise at each call. `compile`
    brings the loss and the metric along (bits/dim for images, nats for points); labels are ignored.

    The density is learned from a good start: before training, `initialize` sets ActNorm and the prior's mean and
    scale from one batch. `fit` does it by itself if it was not done.

    Args:
        layer: invertible layer (usually a `Chain`) from data space to the latents.
        event_shape: shape of one example: (height, width, channels) or (D,).
        bins: number of values of a pixel, for images; `None` for points.
        learned_prior: whether the mean and scale of the diagonal Gaussian are learned, or stay 0 and 1.
        trained_prior: whether training moves a learned prior on from where `initialize` put it. One of many components
            had better stay: trained along, they gain likelihood, and lose what they have of the kinds of examples.
        prior_components: how many such Gaussians, of one scale, the prior is a mixture of. They begin as the clusters
            that k-means finds among the first latents. Samples profit: between kinds of examples, where one Gaussian
            has as much mass as elsewhere, there are none. A likelihood takes room for batch * prior_components * D
            numbers.
        prior_factors: in how many directions of its own each component is wider than that scale, which makes the prior
            a mixture of factor analysers. They begin as those in which each cluster is widest: what examples of a kind
            vary in as a whole, such as slant, of which samples then have what is likely.
        condition_size: for a density p(x | c): the number of classes that labels c (batch,) tell apart, or the length
            of vectors c (batch, condition_size). Labels act as unit vectors. The branches of the blocks must have
            the same `condition_size`. `None` for p(x).
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
        layer,
        event_shape,
        *,
        bins=None,
        learned_prior=True,
        trained_prior=True,
        prior_components=1,
        prior_factors=0,
        condition_size=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_invertible("layer", layer, self)
        if bins is not None and (not isinstance(bins, int) or bins < 2):
            raise ValueError(f"`bins` must be an integer of at least 2, or None. Received: bins={bins!r}")
        self.layer = layer
        self.event_shape = tuple(event_shape)
        self.bins, self.seed = bins, seed
        self.learned_prior, self.trained_prior = learned_prior, trained_prior
        self.prior_components, self.prior_factors = prior_components, prior_factors
        self.condition_size = condition_size
        self.dimension = math.prod(self.event_shape)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.build((None, *self.event_shape))

    def build(self, input_shape):
        """Create the layers and the prior, all at once: the shape is known from the start."""
        if not self.layer.built:
            self.layer.build(tuple(input_shape))
        self._latent_event = tuple(self.layer.compute_output_shape(tuple(input_shape)))[1:]
        if math.prod(self._latent_event) != self.dimension:
            raise ValueError(
                "A density needs a bijection: latents must have as many dimensions as the data. "
                f"Received: event_shape={self.event_shape}, latent shape={self._latent_event}"
            )
        self._build_prior()
        self._initialized = self.add_weight(
            name="initialized", shape=(), dtype="bool", initializer="zeros", trainable=False
        )

    @property
    def initialized(self):
        """Whether ActNorm and the prior have been set from data."""
        return bool(tf.convert_to_tensor(self._initialized))

    @property
    def bijector(self):
        """A `tfb.Bijector` from data space (..., *event_shape) to latents (..., D): `InvertibleResNetBijector`."""
        from keras_iresnet.bijector import InvertibleResNetBijector  # TFP takes seconds to import

        return InvertibleResNetBijector(self.layer, flatten=True, seed=self.seed_generator)

    @property
    def distribution(self):
        """The density over data space, with its prior, as a `tfd.TransformedDistribution`."""
        from keras_iresnet.bijector import data_distribution

        options = {"logits": self.prior_logits, "loadings": self.prior_loadings}
        options = {name: weight.value for name, weight in options.items() if weight is not None}
        return data_distribution(self.bijector, self.prior_loc.value, self.prior_log_scale.value, **options)

    def call(self, x, training=None):
        """x (batch, *event_shape), or a pair of it and conditions -> log-likelihood (batch,) nats."""
        condition = None
        if self.condition_size is not None:
            check_pairs(x)
            x, condition = x
        return self.log_prob(x, training=bool(training), condition=condition)

    def log_prob(self, x, seed=None, estimator=None, training=False, condition=None):
        """Log-likelihood in data space.

        Args:
            x: (batch, *event_shape), integer images or floats in data space.
            seed: integer or pair of integers of the dequantization noise and the probes; `None` draws one.
            estimator: replaces the blocks' own log-det estimators, e.g. `ExactLogDet()`.
            training: whether power iterations advance.
            condition: labels (batch,) or vectors (batch, condition_size), for a flow that has a `condition_size`.

        Returns:
            (batch,) nats.
        """
        noise_seed, probe_seed = split_seed(self._seed(seed), 2)
        x = self._in_data_space(x, noise_seed)
        z, log_det = self.forward_and_log_det(x, probe_seed, estimator, training, condition)
        return self._prior_log_prob(z) + log_det

    def bits_per_dim(self, images, seed=None, estimator=None, condition=None):
        """Bits per dimension of integer images (batch, *event_shape), one draw of the noise each -> (batch,)."""
        self._require_bins("bits_per_dim")
        log_prob = self.log_prob(images, seed, estimator, condition=condition)
        return bits_per_dim(log_prob, dimension=self.dimension, bins=self.bins)

    def forward(self, x, condition=None):
        """Data space (batch, *event_shape) -> latents (batch, D)."""
        return self._flat(self.layer(self._floats(x), condition=self._condition(condition)))

    def forward_and_log_det(self, x, seed=None, estimator=None, training=False, condition=None):
        """Data space (batch, *event_shape) -> latents (batch, D) and log|det dF/dx| (batch,) in nats."""
        options = {"training": training, "estimator": estimator, "condition": self._condition(condition)}
        z, log_det = self.layer.forward_and_log_det(self._floats(x), self._seed(seed), **options)
        return self._flat(z), log_det

    def inverse(self, z, on_failure="raise", condition=None):
        """Latents (batch, D) -> data space; `on_failure` as for `InvertibleLayer.inverse`."""
        return settle(*self.inverse_and_report(z, condition), on_failure)

    def inverse_and_report(self, z, condition=None):
        """`inverse`, and the `InverseReport` of its fixed points."""
        z = tf.cast(tf.convert_to_tensor(z), self.stream_dtype)
        check_shape(z, (self.dimension,))
        return self.layer.inverse_and_report(
            tf.reshape(z, (-1, *self._latent_event)), condition=self._condition(condition)
        )

    def sample(self, n=None, seed=None, temperature=1.0, on_failure="raise", condition=None):
        """Draw n examples (n, *event_shape) in data space, of p(x | c) one for each condition.

        Args:
            n: how many; as many as there are conditions by default.
            seed: integer or pair of integers; `None` draws one.
            temperature: factor of the deviation of the prior, of whose components each keeps its place.
            on_failure: as for `InvertibleLayer.inverse`.
            condition: labels (n,) or vectors (n, condition_size).
        """
        condition = self._condition(condition)
        if n is None and condition is None:
            raise ValueError("`n` says how many to draw where no `condition` does. Received: n=None")
        n = tf.shape(condition)[0] if n is None else n
        return self.inverse(self._prior_sample(n, self._seed(seed), temperature), on_failure, condition)

    def to_data(self, images, seed=None):
        """Integer images -> data space, (k + u) / bins with the noise u drawn from `seed`."""
        self._require_bins("to_data")
        return dequantize(self._checked(images), self._seed(seed), bins=self.bins, dtype=self.stream_dtype)

    def to_images(self, x):
        """Data space -> integer images: the bins that x lies in, uint8 up to 256 bins."""
        self._require_bins("to_images")
        return quantize(tf.convert_to_tensor(x), bins=self.bins)

    def initialize(self, x):
        """Set every ActNorm from the first 1,024 of a batch of examples, then a learned prior from all; in place.

        Args:
            x: (batch, *event_shape), integer images or floats in data space; about a thousand examples, and at least
                ten for each component of the prior.
        """
        self._check_initial_examples(len(x))
        x = self._in_data_space(x, self._seed(None))
        converge_power_iterations(self.layer)
        first, *others = (x[start : start + _AT_ONCE] for start in range(0, len(x), _AT_ONCE))
        z = [self._flat(self.layer.initialize(first, condition=self._any_condition(first)))]
        forward = tf.function(lambda part: self.forward(part, self._any_condition(part)), reduce_retracing=True)
        z += [forward(part) for part in others]
        self._initialize_prior(tf.concat(z, 0))
        self._initialized.assign(True)

    def _any_condition(self, x):
        """A condition for each of x where there must be one: before training none has an effect."""
        return None if self.condition_size is None else tf.zeros((tf.shape(x)[0], self.condition_size), x.dtype)

    def compile(self, optimizer="adamax", loss=None, metrics=None, **kwargs):
        """As `keras.Model.compile`; the loss is bits/dim (nats for points), with a metric of that name.

        The names `"adam"`, `"adamax"` and `"sgd"` stand for Keras's steps in fewer operations, see
        `keras_iresnet.optimizers`.
        """
        options = {"dimension": self.dimension, "bins": self.bins, "dtype": self.stream_dtype}
        if loss is None:
            loss = NegativeLogLikelihood(**options)
        if metrics is None:
            metrics = [Nats(dtype=self.stream_dtype) if self.bins is None else BitsPerDim(**options)]
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)
        self._build_for_training(*self._training_example())

    def _training_example(self):
        """Targets and outputs such as training has, of one example."""
        example = tf.zeros((1,), self.stream_dtype)
        return example, example

    def compile_from_config(self, config):
        """Compile a loaded model as it was when it was saved."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def predict(self, x, *args, **kwargs):
        """As `keras.Model.predict`: log-likelihoods (batch,) in nats."""
        self._check_examples(x)
        return super().predict(x, *args, **kwargs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The compiled loss of the log-likelihoods; there are no targets."""
        return super().compute_loss(x, tf.zeros_like(y_pred), y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """The compiled metrics of the log-likelihoods; there are no targets."""
        return super().compute_metrics(x, tf.zeros_like(y_pred), y_pred, sample_weight)

    def get_config(self):
        """JSON only."""
        return {
            **super().get_config(),
            "layer": keras.saving.serialize_keras_object(self.layer),
            "event_shape": list(self.event_shape),
            "bins": self.bins,
            "learned_prior": self.learned_prior,
            "trained_prior": self.trained_prior,
            "prior_components": self.prior_components,
            "prior_factors": self.prior_factors,
            "condition_size": self.condition_size,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        """Rebuild the layer from its config."""
        return cls(**{**config, "layer": keras.saving.deserialize_keras_object(config["layer"])})

    def _signatures(self):
        return flow_signatures(self)

    def _floats(self, x):
        x = tf.convert_to_tensor(x)
        check_shape(x, self.event_shape)
        check_dtype(x.dtype, None)
        return tf.cast(x, self.stream_dtype)

    def _in_data_space(self, x, noise_seed):
        x = tf.convert_to_tensor(x)
        if x.dtype.is_integer and self.bins is not None:
            return self.to_data(x, noise_seed)
        check_dtype(x.dtype, self.bins)
        return check_values(self._floats(x), self.bins)

    def _condition(self, condition):
        return as_condition(condition, self.condition_size, self.stream_dtype)

    def _flat(self, z):
        return tf.reshape(z, (-1, self.dimension))

    def _seed(self, seed):
        return draw_seed(self.seed_generator) if seed is None else as_seed(seed)

    def _require_bins(self, method):
        if self.bins is None:
            raise ValueError(f"`{method}` needs a flow of images: set `bins`. Received: bins=None")

    def _checked(self, x):
        """x as a tensor, if it holds examples of this flow."""
        x = tf.convert_to_tensor(x)
        check_shape(x, self.event_shape)
        check_dtype(x.dtype, self.bins)
        return check_values(x, self.bins)

    def _check_targets(self, x, y):
        if self.condition_size is None:
            return
        if isinstance(x, tf.data.Dataset):
            check_pairs(x.element_spec)
        elif is_array(x):
            check_pairs(x if y is None else (x, y))
