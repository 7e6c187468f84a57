"""Estimators of log|det(I + J)| for the Jacobian J of a contractive branch g.

For |J| < 1 (Behrmann et al. 2019, equation 4)

    log|det(I + J)| = sum_(k>=1) (-1)^(k+1) tr(J^k) / k,       tr(A) = E[v^T A v] for E[v v^T] = I  (Hutchinson).

An estimator is called with a linearisation of g, the point and a seed, and returns nats of shape (batch,).
"""

import dataclasses

import tensorflow as tf


class _Configurable:
    """What Keras needs to save an estimator with the layer that uses it."""

    def get_config(self):
        """The constructor's arguments, JSON only."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config):
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
    >>> print(f"{log_det.ExactLogDet()(g.linearize(x), x).numpy()[0]:.4f}")  # log(1.5 * 0.8)
    0.1823
    """

    def __call__(self, linearized, x, seed=None):
        del seed
        event = x.shape[1:]
        size = event.num_elements()
        basis = tf.reshape(tf.eye(size, dtype=x.dtype), (size, 1, *event))
        columns = linearized.jvp(tf.broadcast_to(basis, tf.concat([[size], tf.shape(x)], 0)))
        # (columns of J, batch, rows) -> (batch, columns, rows): a determinant does not mind the transposition.
        jacobian = tf.transpose(tf.reshape(columns, (size, -1, size)), (1, 0, 2))
        return tf.linalg.slogdet(tf.eye(size, dtype=x.dtype) + jacobian).log_abs_determinant


@dataclasses.dataclass(frozen=True)
class SeriesLogDet(_Configurable):
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
    """

    num_terms: int = 5
    num_probes: int = 1

    def __post_init__(self):
        _check_counts(self)

    def __call__(self, linearized, x, seed):
        v = rademacher(seed, self.num_probes, x)
        image = linearized.jvp(v)
        held = tf.stop_gradient(image)
        u = v
        walk = v
        value = _inner(v, held)
        for k in range(1, self.num_terms):
            u = tf.stop_gradient(linearized.vjp(u))
            sign = -1 if k % 2 else 1
            walk += sign * u
            value += sign / (k + 1) * _inner(u, held)
        surrogate = _inner(tf.stop_gradient(walk), image)
        return tf.reduce_mean(value + surrogate - tf.stop_gradient(surrogate), 0)


@dataclasses.dataclass(frozen=True)
class BackpropSeriesLogDet(_Configurable):
    """The same truncated series differentiated through every term: the textbook form.

    Its gradient is that of the random value itself. It costs a second derivative a term, in time and memory; it is
    here as what `SeriesLogDet` is compared with.

    Args:
        num_terms: terms of the series, at least 1.
        num_probes: Rademacher vectors averaged per example.
    """

    num_terms: int = 5
    num_probes: int = 1

    def __post_init__(self):
        _check_counts(self)

    def __call__(self, linearized, x, seed):
        v = u = rademacher(seed, self.num_probes, x)
        value = 0.0
        for k in range(1, self.num_terms + 1):
            u = linearized.vjp(u)
            value += (-1) ** (k + 1) / k * _inner(u, v)
        return tf.reduce_mean(value, 0)


def rademacher(seed, num_probes, x):
    """Signs of shape (num_probes, *x.shape), each +1 or -1 with equal probability, in x's dtype."""
    shape = tf.concat([[num_probes], tf.shape(x)], 0)
    bits = tf.random.stateless_uniform(shape, seed, 0, 2, tf.int32)
    return tf.ensure_shape(tf.cast(2 * bits - 1, x.dtype), (num_probes, *x.shape))


def _inner(a, b):
    """(probes, batch, *event) twice -> (probes, batch)."""
    return tf.reduce_sum(a * b, list(range(2, a.shape.rank)))


def _check_counts(estimator):
    for name in ("num_terms", "num_probes"):
        count = getattr(estimator, name)
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"`{name}` must be an integer of at least 1. Received: {name}={count!r}")
