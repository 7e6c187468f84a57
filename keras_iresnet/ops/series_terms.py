"""The terms of the log-det series one by one, for as many as evaluation asks for: values alone, in a loop.

`SeriesLogDet` writes its terms out, because training wants few of them and their gradient. Evaluation wants dozens in
every block, whose graph would take minutes to trace; here it does not grow with their number.
"""

import dataclasses
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf

from keras_iresnet.ops.balanced_signs import balanced_signs, codes, group_signs
from keras_iresnet.ops.log_det import SeriesLogDet, check_count, rademacher
from keras_iresnet.ops.maps import Map


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
        return sign / tf.cast(k, x.dtype) * _inner(u, image)

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


@dataclasses.dataclass(frozen=True)
class SeriesToBias:
    """The series, cut where all that is left of it is proved to be small for these very probes.

    With u = (J^T)^(n-1) v, the terms after the n-th are together at most

        sum_(k>n) |<u, J^(k-n) J v>| / k  <=  |u| |J v| sum_(k>n) L^(k-n) / k  <=  |u| |J v| L / ((n + 1) (1 - L))

    for a bound L < 1 of |J|. Trained branches contract most vectors far more than the worst, so that |u| falls much
    faster than L^n, by which the number of terms would have to be chosen beforehand. Values alone, without derivatives.

    Nearly all of the variance is that of the first term, which costs one product where the others need a chain of them.
    Hence `heads`: so many vectors are averaged for tr(J), and one of them goes on. In groups of examples, and among the
    heads of one, vectors are balanced, see `balanced_signs`.

    Args:
        nats: what the mean over the batch may be off at most.
        lip: L, a certified bound of the Lipschitz constant of every g that this is called with.
        num_probes: Rademacher vectors averaged per example.
        counted: a `tf.Variable` of three integers, to which each call adds its number of terms, 1, and the products
            with J or its transpose of all examples.
        group: examples, one after the other, whose vectors are balanced; 1 for independent ones.
        heads: vectors of each probe for the first term, at least 1; a `tf.Variable` may change between calls.

    Raises:
        ValueError: `lip` is not in [0, 1) or `nats` not positive, so that no number of terms would do; or no vector.

    Reference: Behrmann et al., ICML 2019, theorem 3, for a vector in the place of the norm.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import maps
    >>> from keras_iresnet.ops.series_terms import SeriesToBias
    >>> g = maps.Dense(tf.constant([[0.5, 0.0], [0.0, -0.2]]))
    >>> value, nats = SeriesToBias(1e-4, lip=0.9)(g, tf.zeros((1, 2)), seed=(1, 2))
    >>> print(f"{nats.numpy()[0]:.3f}")  # log(1.5 * 0.8)
    0.182
    """

    nats: float
    lip: float
    num_probes: int = 1
    counted: tf.Variable | None = dataclasses.field(default=None, repr=False, compare=False)
    group: int = 1
    heads: int | tf.Variable = dataclasses.field(default=1, compare=False)

    # What a kind of series is: how many terms lie from one that counts to the next, and what their sum is multiplied by.
    _stride: ClassVar[int] = 1
    _factor: ClassVar[float] = 1.0

    def __post_init__(self):
        if not (0 <= self.lip < 1 and self.nats > 0):
            raise ValueError(f"`lip` must lie in [0, 1) and `nats` be positive. Received: {self.lip=}, {self.nats=}")
        for name in ("num_probes", "group"):
            check_count(name, getattr(self, name))
        if not isinstance(self.heads, tf.Variable):
            check_count("heads", self.heads)

    def __repr__(self):
        heads = int(self.heads) if tf.executing_eagerly() else self.heads
        return (
            f"SeriesToBias(nats={self.nats!r}, lip={self.lip!r}, num_probes={self.num_probes}, "
            f"group={self.group}, heads={heads})"
        )

    def __call__(self, g: Map, x: tf.Tensor, seed: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """g(x), and nats (batch,): log|det(I + dg/dx)|, or what the kind of series is for."""
        linearized = g.linearize(x, self.num_probes)
        heads = tf.cast(tf.convert_to_tensor(self.heads), tf.int32)
        draw = self._vectors(seed, x, heads)
        v = draw(0)
        image = linearized.jvp(v)
        first = self._first_term(linearized, draw, heads, _inner(v, image))
        n, total = self._further_terms(linearized, v, image, first)
        if self.counted is not None:
            products = (tf.cast(n, tf.int64) + tf.cast(heads, tf.int64) - 1) * tf.shape(v, tf.int64)[0]
            self.counted.assign_add(tf.stack([tf.cast(n, tf.int64), 1, products]))
        return linearized.value, self._factor * tf.reduce_mean(tf.reshape(total, (self.num_probes, -1)), 0)

    def _vectors(self, seed, x, heads):
        """Head -> its vectors (num_probes * batch, *event)."""
        signs, code = group_signs(seed, self.group, self.num_probes, x), codes(x.shape[1:].as_list())
        places = tf.tile(tf.range(tf.shape(x)[0]) % self.group, [self.num_probes])
        shape = tf.concat([[-1], tf.shape(x)[1:]], 0)
        return lambda head: tf.ensure_shape(
            tf.reshape(balanced_signs(signs, code, heads * places + head), shape), (None, *x.shape[1:])
        )

    def _first_term(self, linearized, draw, heads, first):
        """The mean of <v, J v> over the heads, of which the first is known: (num_probes * batch,)."""

        def advance(head, total):
            v = draw(head)
            return head + 1, total + tf.ensure_shape(_inner(v, linearized.jvp(v)), total.shape)

        _, total = tf.while_loop(lambda head, _: head < heads, advance, (tf.constant(1), first))
        return total / tf.cast(heads, total.dtype)

    def _further_terms(self, linearized, v, image, first):
        """How many terms were taken, and their sum."""
        stride, shrink = self._stride, self.lip**self._stride
        size, tail = _norm(image), stride * shrink / (1 - shrink)

        def unfinished(n, u, total):
            del total
            return tf.reduce_mean(_norm(u) * size) * tail / (n + stride) > self.nats

        def advance(n, u, total):
            n = n + stride
            for _ in range(stride):
                u = tf.ensure_shape(linearized.vjp(u), u.shape)
            return n, u, total + (2 * (n % 2) - 1) / n * _inner(u, image)

        n, _, total = tf.while_loop(unfinished, advance, (tf.ones((), v.dtype), v, first))
        return n, total


def _inner(a, b):
    """Inner product of each example: (batch, *event) twice -> (batch,)."""
    return tf.reduce_sum(a * b, list(range(1, a.shape.rank)))


def _norm(a):
    return tf.sqrt(_inner(a, a))
