"""The terms of the log-det series one by one, for as many as evaluation asks for: values alone, in a loop.

`SeriesLogDet` writes its terms out, because training wants few of them and their gradient. Evaluation wants dozens in
every block, whose graph would take minutes to trace; here it does not grow with their number.
"""

import dataclasses
from typing import Any, NamedTuple

import tensorflow as tf

from keras_iresnet.ops.log_det import SeriesLogDet, rademacher


class SeriesTerms(NamedTuple):
    """A branch's value and the terms of the series at the same point.

    Attributes:
        value: (batch, *event), g(x).
        terms: (num_terms, num_probes, batch) nats, (-1)^(k+1) <v, J^k v> / k for each probe v.
    """

    value: tf.Tensor
    terms: tf.Tensor


def series_terms(g: Any, x: tf.Tensor, seed: Any, *, num_terms: int, num_probes: int = 1) -> SeriesTerms:
    """The first terms of log|det(I + dg/dx)| by Rademacher probes: their expectation is (-1)^(k+1) tr(J^k) / k.

    Args:
        g: a map of `keras_iresnet.ops.maps`.
        x: (batch, *event).
        seed: pair of integers.
        num_terms: how many, at least 1.
        num_probes: independent vectors v for each example.

    Reference: Behrmann et al., ICML 2019, equation 4 and algorithm 2.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import maps
    >>> from keras_iresnet.ops.series_terms import series_terms
    >>> g = maps.Dense(tf.constant([[0.5, 0.0], [0.0, -0.5]]))
    >>> terms = series_terms(g, tf.zeros((1, 2)), (1, 2), num_terms=3).terms
    >>> terms[:, 0, 0].numpy().tolist()  # traces of J, -J^2 / 2, J^3 / 3
    [0.0, -0.25, 0.0]
    """
    linearized = g.linearize(x, num_probes)
    u = rademacher(seed, num_probes, x)
    image = linearized.jvp(u)

    def term(k, u):
        """The k-th term from u = (J^T)^(k-1) v."""
        sign = tf.cast(2 * (k % 2) - 1, x.dtype)
        return sign / tf.cast(k, x.dtype) * inner(u, image)

    def advance(k, u, terms):
        u = tf.ensure_shape(linearized.vjp(u), u.shape)
        return k + 1, u, terms.write(k - 1, term(k, u))

    first = tf.TensorArray(x.dtype, num_terms).write(0, term(tf.constant(1), u))
    start = (tf.constant(2), u, first)
    _, _, terms = tf.while_loop(lambda k, *_: k <= num_terms, advance, start)
    return SeriesTerms(linearized.value, tf.reshape(terms.stack(), (num_terms, num_probes, -1)))


@dataclasses.dataclass(frozen=True)
class SeriesValue(SeriesLogDet):
    """`SeriesLogDet` without derivatives: the same value for the same seed, traced in the same time for any length.

    Args:
        num_terms: terms of the series, at least 1.
        num_probes: Rademacher vectors averaged per example.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import maps
    >>> from keras_iresnet.ops.series_terms import SeriesValue
    >>> g = maps.Dense(tf.constant([[0.5, 0.0], [0.0, -0.2]]))
    >>> value, nats = SeriesValue(num_terms=40)(g, tf.zeros((1, 2)), seed=(1, 2))
    >>> print(f"{nats.numpy()[0]:.4f}")  # log(1.5 * 0.8): a diagonal matrix has no variance
    0.1823
    """

    def __call__(self, g: Any, x: tf.Tensor, seed: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """g(x), and log|det(I + dg/dx)| (batch,) in nats."""
        found = series_terms(g, x, seed, num_terms=self.num_terms, num_probes=self.num_probes)
        return found.value, tf.reduce_mean(tf.reduce_sum(found.terms, 0), 0)


def inner(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Inner product of each example: (batch, *event) twice -> (batch,)."""
    return tf.reduce_sum(a * b, list(range(1, a.shape.rank)))
