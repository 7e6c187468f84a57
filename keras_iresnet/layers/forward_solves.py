"""What layers share whose forward map is a fixed point: solves that do not converge are counted, and end a run."""

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.inverse_report import ASK, InverseReport, NotConvergedError, settle
from keras_iresnet.layers.precision import FullPrecision

MOST_FAILURES = 0.1  # share of recent solves that may fail in training
_MOMENTUM = 0.99  # of the share: the last hundred batches or so

if TYPE_CHECKING:  # a mixin is taken for what it is mixed into
    Base = FullPrecision
else:
    Base = object


class ForwardSolves(Base):
    """Mixin of layers that solve a fixed point on their way forward.

    Outside of training a sample that does not converge is as in an inverse: `NotConvergedError`; in a compiled function
    an assertion, and NaN under XLA. In training such a sample has no gradient through this layer and is counted, in
    `failures` (how many, ever) and `failed_share` (of recent ones); more than a tenth of these ends the training with
    the same error. In a compiled step that is an assertion, which the models of this package turn into the error, and
    under XLA nothing: there `fit` looks at the share itself, by `check_failures`.
    """

    def _build_counts(self) -> None:
        options: dict[str, Any] = {"shape": (), "initializer": "zeros", "trainable": False, "aggregation": "mean"}
        self.failures = self.add_weight(name="failures", **options)
        self.failed_share = self.add_weight(name="failed_share", **options)

    def check_failures(self) -> None:
        """Raise `NotConvergedError` where too many of the recent solves failed; not for compiled functions."""
        share = float(tf.convert_to_tensor(self.failed_share))
        if share > MOST_FAILURES:
            raise NotConvergedError(f"{self._must} {share:.3g}. {ASK}")

    def forgive_failures(self) -> None:
        """Let a training begin whose predecessor was ended, or ought to have been, by too many failures.

        A share within the limit is kept: a run that goes on from a saved state is as if it had not been interrupted.
        """
        if float(tf.convert_to_tensor(self.failed_share)) > MOST_FAILURES:
            self.failed_share.assign(0.0)

    @property
    def _must(self):
        return (
            f"The forward solves of {self.name} must converge, in training all but a share of {MOST_FAILURES} of "
            "recent ones. Received: share of recent ones that did not:"
        )

    def _settled(
        self, y: tf.Tensor, log_det: tf.Tensor | float, report: InverseReport, carried: Carried
    ) -> tuple[tf.Tensor, tf.Tensor | float]:
        """What the layer returns, once those that failed are dealt with."""
        if not carried.training:
            return settle(y, report, "raise"), log_det
        with tf.control_dependencies([self._count(report.converged)]):
            y = tf.identity(y)
        kept = tf.reshape(report.converged, [-1] + [1] * (y.shape.rank - 1))
        y = tf.where(kept, y, tf.stop_gradient(y))
        if tf.is_tensor(log_det):
            log_det = tf.where(report.converged, log_det, tf.stop_gradient(log_det))
        return y, log_det

    def _count(self, converged):
        """An operation that counts, and that fails where too many did."""
        failed = tf.cast(~converged, self.failures.dtype)
        context = tf.distribute.get_replica_context()
        replicas = 1 if context is None else context.num_replicas_in_sync
        # Each replica adds its own, times their number: what is kept is the mean.
        self.failures.assign(self.failures + replicas * tf.reduce_sum(failed))
        recent = tf.math.divide_no_nan(tf.reduce_sum(failed), tf.cast(tf.size(failed), failed.dtype))
        share = _MOMENTUM * tf.convert_to_tensor(self.failed_share) + (1 - _MOMENTUM) * recent
        self.failed_share.assign(share)
        if tf.executing_eagerly():
            self.check_failures()
            return tf.no_op()
        return tf.debugging.Assert(share <= MOST_FAILURES, [self._must, share])
