"""The prior of a flow: a diagonal Gaussian over its latents, or a mixture of several."""

import math
import warnings

import numpy as np
import rich.console
import rich.progress
import tensorflow as tf

from keras_iresnet.layers.seeds import as_seed, split_seed

_ROUNDS = 10  # of the bar; EM from a start by k-means++ is nearly there after four
_ROUND_ITERATIONS = 5  # of EM
_HELD_OUT = 10  # one example of so many is not fitted to
_EXAMPLES_EACH = 10  # that a component needs at least
_LEAST_VARIANCE = 1e-4  # of a component, in units of that of all latents


class GaussianPrior:
    """Mixin for Keras models over latents (batch, D), D = `dimension`.

    With one component the weights are `prior_loc` and `prior_log_scale`, (D,), and p(z) = N(z; loc, exp(log_scale)).
    With K of them both are (K, D), `prior_logits` is (K,), and p(z) = sum_k softmax(logits)_k N(z; loc_k, ...).
    """

    def _build_prior(self):
        count = self.prior_components
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(
                f"`prior_components` must be an integer of at least 1. Received: prior_components={count!r}"
            )
        if count > 1 and not self.learned_prior:
            raise ValueError(
                "`prior_components` above 1 need a learned prior: fixed ones would all be the same. "
                f"Received: prior_components={count}, learned_prior=False"
            )
        each = (self.dimension,) if count == 1 else (count, self.dimension)
        options = {"initializer": "zeros", "trainable": self.learned_prior}
        self.prior_loc = self.add_weight(name="prior_loc", shape=each, **options)
        self.prior_log_scale = self.add_weight(name="prior_log_scale", shape=each, **options)
        self.prior_logits = None if count == 1 else self.add_weight(name="prior_logits", shape=(count,), **options)

    def _initialize_prior(self, z):
        """Give a learned prior the moments of latents (batch, D); its components are equal."""
        if self.learned_prior:
            mean, variance = tf.nn.moments(z, [0])
            log_scale = 0.5 * tf.math.log(tf.maximum(variance, 1e-12))
            self.prior_loc.assign(tf.broadcast_to(mean, self.prior_loc.shape))
            self.prior_log_scale.assign(tf.broadcast_to(log_scale, self.prior_log_scale.shape))

    def fit_prior(self, x, condition=None, *, seed=0, batch_size=250, progress=False):
        """Fit the prior to the latents of examples by expectation maximisation, the network at rest; in place.

        Gradients leave the components of a mixture as equal as they start: small batches, of which each component
        sees its share, would let most of them die. So a flow is trained first, and then its prior, which finds the
        kinds of examples that the network has left apart. That is what samples profit from: between kinds, where one
        Gaussian has as much mass as elsewhere, there are no examples.

        Args:
            x: array (n, *event_shape) of some ten thousand examples that the flow was trained on.
            condition: labels (n,) or vectors (n, condition_size), for a flow that has a `condition_size`.
            seed: of the dequantization noise and of the start.
            batch_size: examples that go through the network at a time.
            progress: whether to show a bar on standard error.

        Returns:
            Nats that a tenth of the examples, to which the prior is not fitted, gained each; 0 where they would have
            lost, and the prior is left as it was.

        Raises:
            ValueError: the prior is not learned, or there are fewer than ten examples for each component.

        Example:
        >>> import keras_iresnet as ki
        >>> import numpy as np
        >>> points = np.random.default_rng(0).normal(size=(500, 2)) + 9 * (np.arange(500) % 2)[:, None]
        >>> flow = ki.models.Flow(ki.layers.Chain([ki.layers.ActNorm()]), (2,), prior_components=2, seed=0)
        >>> flow.initialize(points)
        >>> gain = flow.fit_prior(points)
        >>> gain > 0.5, np.exp(flow.prior_logits.numpy()).round(1).tolist()
        (True, [0.5, 0.5])
        """
        if not self.learned_prior:
            raise ValueError("`fit_prior` needs a learned prior. Received: learned_prior=False")
        if len(x) < _EXAMPLES_EACH * self.prior_components:
            raise ValueError(
                f"`fit_prior` needs at least {_EXAMPLES_EACH} examples for each component. "
                f"Received: {len(x)} examples, prior_components={self.prior_components}"
            )
        z = self._latents(x, condition, seed, batch_size, progress)
        held_out = np.random.default_rng(seed).permutation(len(z)) % _HELD_OUT == 0  # data may have an order
        mean, deviation = z[~held_out].mean(0), np.maximum(z[~held_out].std(0), 1e-6)
        mixture = _mixture((z[~held_out] - mean) / deviation, self.prior_components, seed, progress)
        before = [weight.numpy() for weight in self._prior_variables]
        likely = self._mean_log_prob(z[held_out])
        self.prior_loc.assign(self._shaped(mean + deviation * mixture.means_))
        self.prior_log_scale.assign(self._shaped(np.log(deviation) + 0.5 * np.log(mixture.covariances_)))
        if self.prior_logits is not None:
            self.prior_logits.assign(np.log(mixture.weights_))
        gain = self._mean_log_prob(z[held_out]) - likely
        if gain > 0:
            return gain
        for weight, value in zip(self._prior_variables, before, strict=True):
            weight.assign(value)
        return 0.0

    def _latents(self, x, condition, seed, batch_size, progress):
        """Latents (n, D) of an array of examples, in float64."""
        parts = []
        for start in _tracked(range(0, len(x), batch_size), "latents", progress):
            examples = self._in_data_space(x[start : start + batch_size], as_seed([seed, start]))
            given = None if condition is None else condition[start : start + batch_size]
            parts.append(self.forward(examples, given).numpy())
        return np.concatenate(parts).astype("float64")

    def _mean_log_prob(self, z, batch_size=250):
        """Mean log-likelihood of latents (n, D) under the prior, nats."""
        parts = [self._prior_log_prob(tf.constant(z[i : i + batch_size])) for i in range(0, len(z), batch_size)]
        return float(tf.reduce_mean(tf.concat(parts, 0)))

    @property
    def _prior_variables(self):
        weights = [self.prior_loc, self.prior_log_scale]
        return weights if self.prior_logits is None else [*weights, self.prior_logits]

    def _shaped(self, values):
        return np.reshape(values, self.prior_loc.shape)

    def _prior_weights(self, dtype):
        """Means and log deviations (K, D) and log shares (K,) of the components."""
        loc, log_scale = (
            tf.reshape(tf.cast(weight, dtype), (-1, self.dimension))
            for weight in (self.prior_loc, self.prior_log_scale)
        )
        logits = tf.zeros((1,), dtype) if self.prior_logits is None else tf.cast(self.prior_logits, dtype)
        return loc, log_scale, tf.nn.log_softmax(logits)

    def _prior_log_prob(self, z):
        """(batch, D) -> (batch,) nats."""
        loc, log_scale, log_share = self._prior_weights(z.dtype)
        standard = (z[:, None] - loc) * tf.exp(-log_scale)
        each = -0.5 * tf.reduce_sum(tf.square(standard) + 2 * log_scale + math.log(2 * math.pi), -1)
        return each[:, 0] if self.prior_logits is None else tf.reduce_logsumexp(log_share + each, -1)

    def _prior_sample(self, n, seed, temperature):
        """Draw (n, D); `temperature` is a factor of each component's deviation."""
        dtype = self.stream_dtype
        loc, log_scale, log_share = self._prior_weights(dtype)
        if self.prior_logits is None:
            component = tf.zeros((n,), tf.int32)
        else:
            seed, component_seed = split_seed(seed, 2)
            component = tf.random.stateless_categorical(log_share[None], n, component_seed, dtype=tf.int32)[0]
        noise = tf.random.stateless_normal((n, self.dimension), seed, dtype=dtype)
        return tf.gather(loc, component) + temperature * tf.exp(tf.gather(log_scale, component)) * noise

    def prior_moments(self):
        """Mean and standard deviation, both (D,), of each latent under the prior."""
        loc, log_scale, log_share = self._prior_weights(self.stream_dtype)
        share = tf.exp(log_share)[:, None]
        mean = tf.reduce_sum(share * loc, 0)
        variance = tf.reduce_sum(share * (tf.exp(2 * log_scale) + tf.square(loc - mean)), 0)
        return mean, tf.sqrt(variance)


def _mixture(z, count, seed, progress):
    """scikit-learn's mixture of `count` diagonal Gaussians, fitted to points (n, D)."""
    import sklearn.exceptions  # which takes a second
    import sklearn.mixture

    options = {"covariance_type": "diag", "reg_covar": _LEAST_VARIANCE, "init_params": "k-means++"}
    # Round by round, each where the last one ended, so that a bar can tell how far it is.
    rounds = {"max_iter": _ROUND_ITERATIONS, "warm_start": True}
    mixture = sklearn.mixture.GaussianMixture(count, **options, **rounds, random_state=seed)
    with warnings.catch_warnings():
        # What it fits is compared with what was there before, at rest or not.
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        for _ in _tracked(range(_ROUNDS), f"{count} components", progress):
            if mixture.fit(z).converged_:
                break
    return mixture


def _tracked(steps, description, shown):
    """The steps, counted by a bar on standard error, where someone watches."""
    console = rich.console.Console(stderr=True)
    disable = not (shown and console.is_terminal)
    return rich.progress.track(steps, description, console=console, transient=True, disable=disable)
