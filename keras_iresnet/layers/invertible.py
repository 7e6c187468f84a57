"""The base of every invertible layer: forward, inverse, and the log-determinant of the forward map."""

import warnings
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.layers.seeds import as_seed
from keras_iresnet.layers.spectral.norm_groups import normalized_together

ON_FAILURE = ("raise", "warn", "ignore")


class NotConvergedError(RuntimeError):
    """An inverse that did not reach its tolerance: the map is not contractive enough, or the steps ran out."""


class InverseReport(NamedTuple):
    """How an inverse was reached, per sample, over all blocks on its way.

    Attributes:
        steps: (batch,) int32, fixed-point steps taken in all.
        residual: (batch,), the largest relative residual of a block.
        converged: (batch,) bool, whether every block reached its tolerance.
    """

    steps: tf.Tensor
    residual: tf.Tensor
    converged: tf.Tensor

    @classmethod
    def exact(cls, y):
        """The report of an inverse in closed form."""
        batch = tf.shape(y)[:1]
        return cls(tf.zeros(batch, tf.int32), tf.zeros(batch, y.dtype), tf.ones(batch, tf.bool))

    def then(self, other):
        """The report of two inverses, one after the other."""
        return InverseReport(
            self.steps + other.steps,
            tf.maximum(self.residual, other.residual),
            self.converged & other.converged,
        )


class InvertibleLayer(FullPrecision, keras.layers.Layer):
    """A bijection x -> y = F(x), or an injection for layers that pad.

    A subclass implements `_forward_and_log_det` and `_inverse` (or `_inverse_and_report`, where the inverse is
    iterative); all else is derived. Tensors between layers stay in `stream_dtype`, which is float32 under a
    mixed-precision policy.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> class Double(ki.layers.InvertibleLayer):
    ...     def _forward_and_log_det(self, x, **_):
    ...         return 2 * x, x.shape[-1] * tf.math.log(2.0)
    ...     def _inverse(self, y):
    ...         return y / 2
    >>> y, log_det = Double().forward_and_log_det(tf.ones((1, 3)))
    >>> y.numpy().tolist(), f"{log_det.numpy()[0]:.3f}"
    ([[2.0, 2.0, 2.0]], '2.079')
    """

    def build(self, input_shape):
        """Fix the event shape; subclasses with weights add them."""
        self.input_spec = keras.layers.InputSpec(shape=(None, *input_shape[1:]))

    def call(self, x, condition=None, training=None):
        """x (batch, *event) -> y (batch, *event)."""
        options = {"seed": None, "training": bool(training), "estimator": None, "condition": condition}
        return self._forward_and_log_det(self._cast(x), **options)[0]

    def forward_and_log_det(self, x, seed=None, training=False, estimator=None, condition=None):
        """F(x) and log|det dF/dx|.

        Args:
            x: (batch, *event).
            seed: integer, or pair of integers as for `tf.random.stateless_uniform`, of the random probes.
            training: whether power iterations advance.
            estimator: replaces the estimator of every residual block below, e.g. `ExactLogDet()`.
            condition: (batch, condition_size), what conditional branches depend on.

        Returns:
            y of shape (batch, *event) and (batch,) nats.
        """
        x = self._ready(x)
        options = {"seed": as_seed(seed), "training": training, "estimator": estimator, "condition": condition}
        with normalized_together(self, training):
            y, log_det = self._forward_and_log_det(x, **options)
        return y, tf.broadcast_to(log_det, tf.shape(x)[:1])

    def inverse(self, y, on_failure="raise", condition=None):
        """The x with F(x) = y.

        Args:
            y: (batch, *event).
            on_failure: what to do when the inverse of a sample did not converge: `"raise"`, `"warn"` or `"ignore"`.
                Inside a compiled function, where no Python exception can be raised, `"raise"` stops with
                `tf.errors.InvalidArgumentError`; under XLA, which has neither assertions nor printing, use it too:
                the samples that did not converge are NaN.
            condition: as for `forward_and_log_det`.

        Raises:
            NotConvergedError: some sample did not converge.
        """
        return settle(*self.inverse_and_report(y, condition), on_failure)

    def inverse_and_report(self, y, condition=None):
        """`inverse` and its `InverseReport`, whether or not it converged."""
        y = self._cast(y)
        if not self.built:
            raise ValueError(f"{self.name} must be built before it is inverted: call it on data first.")
        self._require_shape(y, self.compute_output_shape(self.input_spec.shape))
        return self._inverse_and_report(y, condition)

    def initialize(self, x, condition=None):
        """Set what depends on data from one batch, eagerly; returns F(x). Most layers have nothing to set."""
        return self(x, condition=condition)

    def compute_output_shape(self, input_shape):
        """(batch, *event) -> (batch, *event)."""
        return tuple(input_shape)

    def compute_output_spec(self, x, condition=None, training=None):
        """Shape and dtype of the output: the stream's dtype, whatever the policy computes in."""
        del condition, training
        return keras.KerasTensor(self.compute_output_shape(x.shape), dtype=self.stream_dtype)

    def _forward_and_log_det(self, x, *, seed, training, estimator, condition):
        """F(x), and nats of shape (batch,) or () where they are the same for all examples."""
        raise NotImplementedError

    def _inverse(self, y):
        """x, in closed form."""
        raise NotImplementedError

    def _inverse_and_report(self, y, condition):
        return self._inverse(y), InverseReport.exact(y)

    def _cast(self, x):
        return tf.cast(tf.convert_to_tensor(x), self.stream_dtype)

    def _ready(self, x):
        x = self._cast(x)
        if not self.built:
            with tf.init_scope():
                self.build(tuple(x.shape))
        self._require_shape(x, self.input_spec.shape)
        return x

    def _require_shape(self, x, shape):
        if not tf.TensorShape(shape).is_compatible_with(x.shape):
            raise ValueError(f"{self.name} was built for shape {tuple(shape)}. Received: shape={tuple(x.shape)}")


def settle(x, report, on_failure):
    """Return x, or act on the samples that did not converge as `on_failure` says."""
    if on_failure not in ON_FAILURE:
        raise ValueError(f"`on_failure` must be one of {ON_FAILURE}. Received: on_failure={on_failure!r}")
    if on_failure == "ignore":
        return x
    if tf.executing_eagerly():
        _speak_up(report, on_failure)
        return x
    message = "The inverse did not converge. Number of samples, largest residual:"
    failed = tf.reduce_sum(tf.cast(~report.converged, tf.int32))
    worst = tf.reduce_max(report.residual)
    if on_failure == "warn":
        warning = tf.cond(failed > 0, lambda: tf.print(message, failed, worst), tf.no_op)
        with tf.control_dependencies([warning]):
            return tf.identity(x)
    with tf.control_dependencies([tf.debugging.Assert(failed == 0, [message, failed, worst])]):
        kept = tf.reshape(report.converged, [-1] + [1] * (x.shape.rank - 1))
        return tf.where(kept, x, tf.constant(float("nan"), x.dtype))


def _speak_up(report, on_failure):
    failed = int(tf.reduce_sum(tf.cast(~report.converged, tf.int32)))
    if not failed:
        return
    message = (
        f"The inverse must converge for every sample; {failed} of {len(report.converged)} did not. "
        f"Received: largest residual {float(tf.reduce_max(report.residual)):.3g} after "
        f"{int(tf.reduce_max(report.steps))} steps. Is every branch contractive (coeff < 1, sigma converged)?"
    )
    if on_failure == "raise":
        raise NotConvergedError(message)
    warnings.warn(message, RuntimeWarning, stacklevel=4)
