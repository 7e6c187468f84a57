"""The series of log|det(I + J)| with a random number of terms, weighted such that none is missing on average."""

import dataclasses
import functools
import math
import numbers
from typing import ClassVar, Self

import tensorflow as tf

from keras_iresnet.ops.bounds import terms_for_bias
from keras_iresnet.ops.log_det import DualSeries, check_count
from keras_iresnet.ops.uniform import uniform

CAP_BIAS = 1e-6  # nats of an example that the default of `max_terms` may cost


@dataclasses.dataclass(frozen=True)
class RouletteLogDet(DualSeries):
    """The whole series, unbiased: always n terms, then N more, which a Russian roulette ends.

    With P(N >= k) = q^k and u_k = (J^T)^k v,

        value     sum_(j<=n+N) w_j (-1)^(j+1) <u_(j-1), J v> / j,       w_j = 1 for j <= n,  w_(n+k) = 1 / q^k
        gradient  that of <w, J v> for w = sum_(j<=n+N) w_j (-1)^(j+1) u_(j-1) held constant

    since E[w_j 1(j <= n + N)] = 1: value and gradient are unbiased for log|det(I + J)| itself, not for a truncated
    series as those of `SeriesLogDet`. Training that maximises it cannot gain from the bias. A call draws one N for all
    its examples, the same on all replicas; it is n + q / (1 - q) terms long on average, and the loop that takes the
    further ones keeps none of them.

    The price is variance. The k-th further term is of size L^(n+k) / q^k for L = Lip(g), so that the variance is sure
    to be finite for q > L^2 alone, and may be infinite otherwise (but for the cap, where it is then huge). A residual
    block tells what L its branch is held at, see `for_bound`: it takes q = L by default, where the weighted terms
    neither grow nor shrink, and refuses a q of L^2 or less. A Poisson number has that flaw for every L.

    N is capped, since XLA wants to know how many numbers are drawn, and whatever compiles it, so that results are the
    same. The default leaves a bias below 1e-6 nats an example for every L that q allows: L^2 < q.

    Args:
        exact_terms: terms n >= 1 that are always taken.
        rate: q in (0, 1), the probability of each further term once the one before is taken; `None` for the bound L
            of the branch, in a block that knows it.
        max_terms: bound on N, which leaves a bias below `series_bias(L, exact_terms + max_terms, D)`; `None` for one
            that leaves at most 1e-6 nats.
        num_probes: vectors v averaged per example.

    Raises:
        ValueError: a `rate` outside (0, 1), or a count below 1; when used, a `rate` that nothing tells.

    Reference: Chen et al., Residual Flows for Invertible Generative Modeling, NeurIPS 2019, theorem 1 and equation 8
    for its gradient; the dual form is that of `SeriesLogDet`.

    Example:
    >>> import numpy as np
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import maps
    >>> from keras_iresnet.ops.roulette import RouletteLogDet
    >>> g = maps.Dense(tf.constant([[0.5, 0.0], [0.0, -0.2]]))
    >>> roulette = RouletteLogDet(rate=0.5)
    >>> nats = [roulette(g, tf.zeros((1, 2)), seed=(seed, 0))[1].numpy()[0] for seed in range(200)]
    >>> print(f"{np.mean(nats):.2f}")  # log(1.5 * 0.8) = 0.182
    0.18
    """

    exact_terms: int = 2
    rate: float | None = None
    max_terms: int | None = None
    num_probes: int = 1

    _counts: ClassVar[tuple[str, ...]] = ("exact_terms", "num_probes")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_terms is not None:
            check_count("max_terms", self.max_terms)
        if self.rate is not None and not (isinstance(self.rate, numbers.Real) and 0 < self.rate < 1):
            raise ValueError(f"`rate` must lie in (0, 1). Received: rate={self.rate!r}")

    def for_bound(self, lip: float | None) -> Self:
        """The same with a rate that has a finite variance for branches whose Lipschitz constant is at most `lip`.

        Args:
            lip: L in (0, 1); `None` where it is not known.

        Raises:
            ValueError: a `rate` of at most L^2, or no rate and no bound.

        Example:
        >>> import keras_iresnet as ki
        >>> ki.RouletteLogDet().for_bound(0.729).rate
        0.729
        """
        if self.rate is None and lip is None:
            raise ValueError(
                "`rate` must be given for a branch whose Lipschitz bound is not known: above its square. "
                "Received: rate=None"
            )
        if self.rate is None:
            return dataclasses.replace(self, rate=lip)
        if lip is not None and self.rate <= lip**2:
            raise ValueError(
                "`rate` must be above the square of the branch's Lipschitz bound, or the variance is infinite: "
                f"above {lip:.4g}^2 = {lip**2:.4g}. Received: rate={self.rate!r}"
            )
        return self

    def cap(self, dimension: int) -> int:
        """`max_terms`, or what it is by default for examples of so many dimensions."""
        if self.max_terms is not None:
            return self.max_terms
        return max(1, self._least_terms(math.sqrt(self._known_rate()), dimension) - self.exact_terms)

    def _least_terms(self, lip, dimension):
        """How many terms leave a bias of at most `CAP_BIAS` for a bound of `lip`."""
        return _terms_within_bias(lip, dimension)

    def further_terms(self, seed: tf.Tensor, dimension: int) -> tf.Tensor:
        """N, a scalar of integers: how many terms follow the exact ones for this seed."""
        # The probes have the seed itself, and must not depend on N. Of a negative seed, such as `tf.random.fold_in` may
        # give, XLA makes other numbers than TensorFlow.
        own_seed = tf.random.stateless_uniform((2,), seed, 0, 2**31 - 1, tf.int32)
        numbers = uniform((self.cap(dimension),), own_seed)
        return tf.reduce_sum(tf.math.cumprod(tf.cast(numbers < self._known_rate(), tf.int32)))

    def _known_rate(self):
        if self.rate is None:
            raise ValueError("`rate` must be given outside of a block that knows its branch's bound. Received: None")
        return self.rate

    def _walk(self, linearized, v, image, seed):
        rate = self._known_rate()

        def step(u, odds):
            """The next u with sign and weight in it: 1 / q^k alone may be too large for float32."""
            return tf.ensure_shape(linearized.vjp(tf.stop_gradient(u)), u.shape) * (-1.0 / odds)

        def further(k, u, series, walk):
            u = step(u, rate)
            return k + 1, u, series + u / tf.cast(self.exact_terms + k, u.dtype), walk + u

        series = walk = u = v
        for j in range(2, self.exact_terms + 1):
            u = step(u, 1.0)
            series, walk = series + u / j, walk + u
        # Nothing here has a gradient. The loop must see that, or it would keep every step for one.
        start = (tf.constant(1), *map(tf.stop_gradient, (u, series, walk)))
        length = self.further_terms(seed, v.shape[1:].num_elements())
        _, _, series, walk = tf.while_loop(lambda k, *_: k <= length, further, start)
        return self._inner(tf.stop_gradient(series), tf.stop_gradient(image)), tf.stop_gradient(walk)


@functools.cache
def _terms_within_bias(lip, dimension):
    return terms_for_bias([lip], [dimension], CAP_BIAS)
