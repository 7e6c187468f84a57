"""The series of the log-determinant, as long as evaluation needs it, with most vectors where most variance is."""

import dataclasses
from typing import Any, ClassVar

import tensorflow as tf

from keras_iresnet.ops.balanced_signs import balanced_signs, codes, group_signs
from keras_iresnet.ops.log_det import check_count
from keras_iresnet.ops.maps import Map, exact_trace
from keras_iresnet.ops.series_terms import inner


@dataclasses.dataclass(frozen=True)
class SeriesToBias:
    """The series, cut where all that is left of it is proved to be small for these very probes.

    With u = (J^T)^(n-1) v, the terms after the n-th are together at most

        sum_(k>n) |<u, J^(k-n) J v>| / k  <=  |u| |J v| sum_(k>n) L^(k-n) / k  <=  |u| |J v| L / ((n + 1) (1 - L))

    for a bound L < 1 of |J|. Trained branches contract most vectors far more than the worst, so that |u| falls much
    faster than L^n, by which the number of terms would have to be chosen beforehand. Values alone, without derivatives.

    Nearly all of the variance is that of the first term, and of what is left nearly all that of the second. They cost
    one product, for <v, J v>, and one more, for <J^T v, J v>, where all terms need a chain of them. Hence `heads`:
    from 2 on, so many further vectors are averaged for one term or both, and the chain's own give the others. In
    groups of examples, and among the heads of one, vectors are balanced, see `balanced_signs`; those of the chain are
    drawn apart, for they are to be balanced over the group alone. Where the structure of g gives tr(J) itself, see
    `maps.exact_trace`, that is the first term, for one product more.

    Args:
        nats: what the mean over the batch may be off at most.
        lip: L, a certified bound of the Lipschitz constant of every g that this is called with.
        num_probes: Rademacher vectors averaged per example.
        counted: a `tf.Variable` of three integers, to which each call adds its number of terms, 1, and the products
            with J or its transpose of all examples.
        group: examples, one after the other, whose vectors are balanced; 1 for independent ones.
        heads: vectors of each probe for the leading terms, at least 1, where the chain's own serve; a `tf.Variable`
            may change between calls.
        depth: leading terms that heads are for, 1 or 2, of an odd series the first alone; or a `tf.Variable`.

    Raises:
        ValueError: `lip` is not in [0, 1) or `nats` not positive, so that no number of terms would do; or no vector.

    Reference: Behrmann et al., ICML 2019, theorem 3, for a vector in the place of the norm.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import maps
    >>> from keras_iresnet.ops.series_to_bias import SeriesToBias
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
    depth: int | tf.Variable = dataclasses.field(default=1, compare=False)

    # A kind of series: how many terms lie from one that counts to the next, and what their sum is multiplied by.
    _stride: ClassVar[int] = 1
    _factor: ClassVar[float] = 1.0

    def __post_init__(self):
        if not (0 <= self.lip < 1 and self.nats > 0):
            raise ValueError(f"`lip` must lie in [0, 1) and `nats` be positive. Received: {self.lip=}, {self.nats=}")
        for name in ("num_probes", "group"):
            check_count(name, getattr(self, name))
        if not isinstance(self.heads, tf.Variable):
            check_count("heads", self.heads)
        if not isinstance(self.depth, tf.Variable) and self.depth not in (1, 2):
            raise ValueError(f"`depth` must be 1 or 2. Received: depth={self.depth!r}")

    def __repr__(self):
        eager = tf.executing_eagerly()
        heads, depth = (int(one) if eager else one for one in (self.heads, self.depth))
        return (
            f"SeriesToBias(nats={self.nats!r}, lip={self.lip!r}, num_probes={self.num_probes}, "
            f"group={self.group}, heads={heads}, depth={depth})"
        )

    def products(self, terms: float, heads: int, depth: int) -> float:
        """Products with J or its transpose for one probe of one example, where vectors are for all terms.

        Example:
        >>> from keras_iresnet.ops.series_to_bias import SeriesToBias
        >>> estimator = SeriesToBias(1e-3, lip=0.9)
        >>> estimator.products(8, heads=1, depth=1), estimator.products(8, heads=4, depth=2)
        (8, 16)
        """
        return terms if heads == 1 else terms + heads * depth

    def __call__(self, g: Map, x: tf.Tensor, seed: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """g(x), and nats (batch,): log|det(I + dg/dx)|, or what the kind of series is for."""
        linearized, trace = g.linearize(x, self.num_probes), exact_trace(g, x)
        heads, depth = (tf.cast(tf.convert_to_tensor(one), tf.int32) for one in (self.heads, self.depth))
        known, alone = trace is not None, heads == 1
        n, chain = self._chain(linearized, self._vectors(seed, x, 1)(0), tf.where(alone, 1 + known, depth + 1))
        each = depth if self._stride == 1 else tf.constant(1)  # products for a head
        further = tf.where(alone | (known & (each == 1)), 0, heads)
        draw = self._vectors(tf.random.experimental.stateless_fold_in(seed, 1), x, heads)
        total = self._leading_terms(linearized, draw, further, each, chain, known)
        if self.counted is not None:
            products = tf.cast(n + further * each, tf.int64) * tf.shape(chain, tf.int64)[0]
            products += int(known) * tf.shape(x, tf.int64)[0]
            self.counted.assign_add(tf.stack([tf.cast(n, tf.int64), 1, products]))
        mean = tf.reduce_mean(tf.reshape(total, (self.num_probes, -1)), 0)
        return linearized.value, self._factor * (mean + trace if known else mean)

    def _vectors(self, seed, x, heads):
        """Head -> its vectors (num_probes * batch, *event)."""
        signs, code = group_signs(seed, self.group, self.num_probes, x), codes(x.shape[1:].as_list())
        places = tf.tile(tf.range(tf.shape(x)[0]) % self.group, [self.num_probes])
        shape = tf.concat([[-1], tf.shape(x)[1:]], 0)
        return lambda head: tf.ensure_shape(
            tf.reshape(balanced_signs(signs, code, heads * places + head), shape), (None, *x.shape[1:])
        )

    def _chain(self, linearized, v, first):
        """How many terms were needed, and the sum of those from `first` on: (num_probes * batch,)."""
        image = linearized.jvp(v)
        stride, shrink = self._stride, self.lip**self._stride
        size, tail = _norm(image), stride * shrink / (1 - shrink)

        def unfinished(n, u, total):
            del total
            return tf.reduce_mean(_norm(u) * size) * tail / tf.cast(n + stride, u.dtype) > self.nats

        def advance(n, u, total):
            n = n + stride
            for _ in range(stride):
                u = tf.ensure_shape(linearized.vjp(u), u.shape)
            return n, u, total + self._weight(n, n >= first, u.dtype) * inner(u, image)

        start = (tf.constant(1), v, self._weight(tf.constant(1), first == 1, v.dtype) * inner(v, image))
        n, _, total = tf.while_loop(unfinished, advance, start)
        return n, total

    @staticmethod
    def _weight(k, counts, dtype):
        """(-1)^(k+1) / k where the term counts, else 0."""
        return tf.where(counts, tf.cast(2 * (k % 2) - 1, dtype) / tf.cast(k, dtype), 0)

    @staticmethod
    def _leading_terms(linearized, draw, heads, depth, others, known):
        """The mean of the leading terms over the heads, if there are any, added to the others."""

        def advance(head, total):
            v = draw(head)
            image = linearized.jvp(v)
            first = tf.zeros_like(total) if known else tf.ensure_shape(inner(v, image), total.shape)
            found = tf.cond(depth == 1, lambda: first, lambda: first - inner(linearized.vjp(v), image) / 2)
            return head + 1, total + tf.ensure_shape(found, total.shape) / tf.cast(heads, total.dtype)

        return tf.while_loop(lambda head, _: head < heads, advance, (tf.constant(0), others))[1]


def _norm(a):
    return tf.sqrt(inner(a, a))
