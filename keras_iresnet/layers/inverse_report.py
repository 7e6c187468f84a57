"""How an inverse went, and what is done where it did not converge."""

import contextlib
import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

ON_FAILURE = ("raise", "warn", "ignore")
ASK = "Is every branch contractive (coeff < 1)?"
# The assertions of `settle` and of `ForwardSolves`: what must hold, and values, each in brackets of its own.
_ASSERTED = re.compile(r"assertion failed: \[(The (?:inverse|forward solves of) [^\]]*)\]((?: \[[^\[\]]*\])+)")


class NotConvergedError(RuntimeError):
    """A fixed point that did not reach its tolerance: the map is not contractive enough, or the steps ran out."""


class InverseReport(NamedTuple):
    """How an inverse was reached, per sample, over all blocks on its way.

    Attributes:
        steps: (batch,) int32, fixed-point steps taken in all.
        residual: (batch,), the largest relative residual of a block.
        converged: (batch,) bool, whether every block reached its tolerance.
        error_bound: (batch,), where errors were asked for: no smaller than |x - x*|, the Euclidean distance of the
            inverse from the exact one, in the units of x; infinite where nothing is proved.
        error_estimate: (batch,), likewise: about |x - x*|, without a proof; infinite where the inverse ran away.
    """

    steps: tf.Tensor
    residual: tf.Tensor
    converged: tf.Tensor
    error_bound: tf.Tensor | None = None
    error_estimate: tf.Tensor | None = None

    @classmethod
    def exact(cls, y: tf.Tensor) -> "InverseReport":
        """The report of an inverse in closed form."""
        batch = tf.shape(y)[:1]
        return cls(tf.zeros(batch, tf.int32), tf.zeros(batch, y.dtype), tf.ones(batch, tf.bool))

    def then(self, other: "InverseReport | None") -> "InverseReport":
        """The report of two inverses, one after the other; `None` is one in closed form."""
        if other is None:
            return self
        return InverseReport(
            self.steps + other.steps,
            tf.maximum(self.residual, other.residual),
            self.converged & other.converged,
        )


def check_on_failure(on_failure: str) -> None:
    """Refuse what is no way to act on failure."""
    if on_failure not in ON_FAILURE:
        raise ValueError(f"`on_failure` must be one of {ON_FAILURE}. Received: on_failure={on_failure!r}")


def settle(x: tf.Tensor, report: InverseReport, on_failure: str) -> tf.Tensor:
    """Return x, or act on the samples that did not converge as `on_failure` says."""
    check_on_failure(on_failure)
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


@contextlib.contextmanager
def failures_as_errors() -> Iterator[None]:
    """Where a compiled function stops at solves that did not converge, raise what Python would have, without the graph.

    XLA has no such assertions, and nothing stops there.

    Raises:
        NotConvergedError: in the place of `tf.errors.InvalidArgumentError`.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        asserted = _ASSERTED.search(error.message)
        if asserted is None:
            raise
        values = ", ".join(f"{float(value):.3g}" for value in re.findall(r"\[(.*?)\]", asserted[2]))
        raise NotConvergedError(f"{asserted[1]} {values}. {ASK}") from error


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
