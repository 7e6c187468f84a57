"""Estimators of log|det(I + J)| for the Jacobian J of a contractive branch g.

For |J| < 1 (Behrmann et al. 2019, equation 4)

    log|det(I + J)| = sum_(k>=1) (-1)^(k+1) tr(J^k) / k,       tr(A) = E[v^T A v] for E[v v^T] = I  (Hutchinson).

An estimator is called with g, a map of `keras_iresnet.ops.maps`, with x of shape (batch, *event) and a seed; it returns
g(x) and nats of shape (batch,).
"""

import dataclasses
from typing import Any, ClassVar, Protocol, Self

import tensorflow as tf

from keras_iresnet.ops.map_forms import lowered
from keras_iresnet.ops.maps import Map
from keras_iresnet.ops.replicas import draw_rows


class LogDetEstimator(Protocol):
    """What stands for the log-determinant of a residual block."""

    def __call__(self, g: Map, x: tf.Tensor, seed: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """g(x), and log|det(I + dg/dx)| (batch,) in nats."""


def check_count(name: str, count: Any) -> None:
    """Refuse what is no number of terms or probes."""
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(f"`{name}` must be an integer of at least 1. Received: {name}={count!r}")


class _Configurable:
    """What Keras needs to save an estimator with the layer that uses it."""

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, JSON only."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The estimator with these arguments."""
        return cls(**config)


@dataclasses.dataclass(frozen=True)
class ExactLogDet(_Configurable):
    """log|det(I + J)| from the full Jacobian: D products and an LU factorisation, for small dimensions D.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import log_det, maps
    >>> g = maps.Dense(tf.constant([[0.5, 0.1], [0.0, -0.2]]))
    >>> x = tf.zeros((1, 2))
    >>> value, nats = log_det.ExactLogDet()(g, x)
    >>> print(f"{nats.numpy()[0]:.4f}")  # log(1.5 * 0.8)
    0.1823
    """

    def __call__(self, g: Map, x: tf.Tensor, seed: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """g(x), and log|det(I + dg/dx)| (batch,) in nats."""
        del seed
        event = x.shape[1:]
        size = event.num_elements()
        linearized = g.linearize(x, probes=size)
        basis = tf.reshape(tf.eye(size, dtype=x.dtype), (size, 1, *event))
        tangents = tf.broadcast_to(basis, tf.concat([[size], tf.shape(x)], 0))
        columns = linearized.jvp(tf.reshape(tangents, (-1, *event)))
        # (columns of J, batch, rows) -> (batch, columns, rows): a determinant does not mind the transposition.
        jacobian = tf.transpose(tf.reshape(columns, (size, -1, size)), (1, 0, 2))
        return linearized.value, self._log_abs_det(tf.eye(size, dtype=x.dtype) + jacobian)

    @staticmethod
    def _log_abs_det(matrix):
        return log_abs_det(matrix)


class _Series(_Configurable):
    """What all forms of the series share."""

    num_probes: int
    _counts: ClassVar[tuple[str, ...]] = ("num_terms", "num_probes")

    def __post_init__(self):
        for name in self._counts:
            check_count(name, getattr(self, name))

    def _inner(self, a, b):
        """Inner product of each example, averaged over its probes: (probes * batch, *event) twice -> (batch,)."""
        products = tf.reduce_sum(a * b, list(range(1, a.shape.rank)))
        if self.num_probes == 1:
            return products
        return tf.reduce_mean(tf.reshape(products, (self.num_probes, -1)), 0)


class DualSeries(_Series):
    """A series in the dual form of `SeriesLogDet`: a class below says which walk along (J^T)^k v it takes."""

    def __call__(self, g: Map, x: tf.Tensor, seed: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """g(x), and log|det(I + dg/dx)| (batch,) in nats."""
        linearized, v, image = self._start(g, x, seed)
        nats, walk = self._walk(self._chained(linearized, g, x), v, image, seed)
        surrogate = self._inner(walk, image)
        return linearized.value, nats + surrogate - tf.stop_gradient(surrogate)

    def remember(self, g: Map, x: tf.Tensor, seed: tf.Tensor | None) -> tuple[tuple[tf.Tensor, tf.Tensor], tf.Tensor]:
        """What a call returns, without its gradient; and w, which spares `replay` the walk."""
        linearized, v, image = self._start(g, x, seed)
        nats, walk = self._walk(self._chained(linearized, g, x), v, image, seed)
        return (linearized.value, nats), walk

    def replay(self, g: Map, x: tf.Tensor, seed: tf.Tensor | None, walk: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Tensors that have the gradient of what a call returns, though not all have its value."""
        linearized, _, image = self._start(g, x, seed)
        return linearized.value, self._inner(walk, image)

    def _chained(self, linearized, g, x):
        """What the walk multiplies by."""
        del g, x
        return linearized

    def _start(self, g, x, seed):
        """g at x, v and J v."""
        linearized = g.linearize(x, self.num_probes)
        v = rademacher(seed, self.num_probes, x)
        return linearized, v, linearized.jvp(v)

    def _walk(self, linearized, v, image, seed):
        """The value of the series, and w; both are constants to a gradient."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class SeriesLogDet(DualSeries):
    """The series cut after `num_terms` terms, traces by Rademacher probes, in its dual form.

    With u_k = (J^T)^k v, every term is an inner product with the same vector J v:

        value     sum_(k=1..n) (-1)^(k+1) <u_(k-1), J v> / k
        gradient  that of <w, J v> for w = sum_(k<n) (-1)^k u_k held constant

    since d E[v^T J^k v] = k E[<u_(k-1), dJ v>] (the trace is cyclic and E[v v^T] = I). The walk along u_k needs no
    tape: memory does not depend on `num_terms`, and the gradient costs one pass through J v. Value and gradient are
    unbiased for the truncated series and its gradient; the gradient is not that of the very same random value.

    Args:
        num_terms: terms n >= 1. The bias is at most -D (ln(1 - L) + sum_(k<=n) L^k / k) for L = Lip(g) in magnitude.
        num_probes: vectors v averaged per example.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import log_det, maps
    >>> g = maps.Dense(tf.constant([[0.5, 0.0], [0.0, -0.2]]))
    >>> value, nats = log_det.SeriesLogDet(num_terms=12)(g, tf.zeros((1, 2)), seed=(1, 2))
    >>> print(f"{nats.numpy()[0]:.3f}")  # log(1.5 * 0.8): a diagonal matrix has no variance
    0.182
    """

    num_terms: int = 5
    num_probes: int = 1

    def _walk(self, linearized, v, image, seed):
        del seed
        series = walk = u = v
        for k in range(1, self.num_terms):
            u = linearized.vjp(tf.stop_gradient(u))
            walk = walk - u if k % 2 else walk + u
            series += (-1) ** k / (k + 1) * u
        return self._inner(tf.stop_gradient(series), tf.stop_gradient(image)), tf.stop_gradient(walk)


@dataclasses.dataclass(frozen=True)
class MixedSeriesLogDet(SeriesLogDet):
    """`SeriesLogDet` whose chain of u_k, k >= 1, is computed in bfloat16: a shorter step where processors have that.

    The u_k weigh the gradient, and make the value of all terms but the first: errors of the rounding's size, 2^-8 of
    each. g and J v, which carry the gradient, and all sums stay in the type of x.

    Args:
        num_terms: terms of the series, at least 1.
        num_probes: Rademacher vectors averaged per example.

    Raises:
        ValueError: when it is called with a map that holds a function of a user's own, see `map_forms.lowered`.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import log_det, maps
    >>> g = maps.Dense(tf.constant([[0.3, 0.0], [0.0, -0.2]]))
    >>> estimates = [estimator(12)(g, tf.zeros((1, 2)), (1, 2))[1].numpy()[0]
    ...              for estimator in (log_det.SeriesLogDet, log_det.MixedSeriesLogDet)]
    >>> bool(1e-7 < abs(estimates[0] - estimates[1]) < 1e-3)
    True
    """

    def _chained(self, linearized, g, x):
        low = lowered(g, "bfloat16", x.dtype).linearize(tf.stop_gradient(x), self.num_probes)
        return linearized._replace(vjp=low.vjp)


@dataclasses.dataclass(frozen=True)
class BackpropSeriesLogDet(_Series):
    """The same truncated series differentiated through every term: the textbook form.

    Its gradient is that of the random value itself. It costs a second derivative a term, in time and memory; it is
    here as what `SeriesLogDet` is compared with.

    Args:
        num_terms: terms of the series, at least 1.
        num_probes: Rademacher vectors averaged per example.

    Example:
    >>> import keras_iresnet as ki
    >>> block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch(), estimator=ki.BackpropSeriesLogDet(3))
    >>> block.estimator.num_terms
    3
    """

    num_terms: int = 5
    num_probes: int = 1

    def __call__(self, g: Map, x: tf.Tensor, seed: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """g(x), and log|det(I + dg/dx)| (batch,) in nats."""
        linearized = g.linearize(x, self.num_probes)
        v = u = rademacher(seed, self.num_probes, x)
        total = 0.0
        for k in range(1, self.num_terms + 1):
            u = linearized.vjp(u)
            total += (-1) ** (k + 1) / k * u
        return linearized.value, self._inner(total, v)


def log_abs_det(matrix: tf.Tensor) -> tf.Tensor:
    """log|det A| of square matrices (..., D, D), differentiable; `tf.linalg.slogdet` does not compile under XLA.

    A = Q R gives sum log|R_ii|, and d log|det A| = <A^-T, dA> with A^-1 = R^-1 Q^T.
    """
    if matrix.shape[-1] == 2:
        return tf.math.log(tf.abs(matrix[..., 0, 0] * matrix[..., 1, 1] - matrix[..., 0, 1] * matrix[..., 1, 0]))
    return _log_abs_det_by_qr(matrix)


@tf.custom_gradient
def _log_abs_det_by_qr(matrix):
    q, r = tf.linalg.qr(matrix)

    def gradient(upstream):
        inverse = tf.linalg.triangular_solve(r, tf.linalg.matrix_transpose(q), lower=False)
        return upstream[..., None, None] * tf.linalg.matrix_transpose(inverse)

    return tf.reduce_sum(tf.math.log(tf.abs(tf.linalg.diag_part(r))), -1), gradient


def rademacher(seed: tf.Tensor | None, num_probes: int, x: tf.Tensor) -> tf.Tensor:
    """Signs of shape (num_probes * batch, *event), each +1 or -1 with equal probability, in the dtype of x."""
    if seed is None:
        raise ValueError("A stochastic log-det needs a `seed`. Received: seed=None")

    def draw(shape):
        return tf.random.stateless_uniform(shape, seed, 0, 2, tf.int32)

    if num_probes == 1:
        bits = draw_rows(draw, tf.shape(x))
    else:
        bits = draw_rows(draw, tf.concat([[num_probes], tf.shape(x)], 0), axis=1)
        bits = tf.reshape(bits, tf.concat([[-1], tf.shape(x)[1:]], 0))
    return tf.cast(2 * bits - 1, x.dtype)
