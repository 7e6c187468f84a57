"""How far an inverse can be from the exact one: it is solved once more in float64, from where float32 ended.

With x~ for that solution, |x - x*| <= |x - x~| + |x~ - x*|. The first term is measured, and is the estimate. The second
is bounded along the way: e_0 = 0 at the latents, and behind each layer F

    e <- Lip(F^-1) (e + |x_n - x_(n-1)| + rounding) + rounding,

with the proved bound of Lip(F^-1), which for x + g(x) is 1 / (1 - L), and the last step of the layer's fixed point
(Banach, a posteriori; L of the step is left out). So a product of many 1 / (1 - L) multiplies what float64 leaves, not
what float32 does.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.float64_twin import spectral_pairs, with_weights
from keras_iresnet.layers.inverse_report import InverseReport

# Of float64, relative to what goes in and comes out: far more than the sums of a layer lose. Solves end there.
ROUNDING = 256 * float(np.finfo(np.float64).eps)


class Exact(NamedTuple):
    """A point on the way back, in float64.

    Attributes:
        x: (batch, *event).
        error: (batch,), no smaller than its Euclidean distance from the exact one; infinite where nothing is proved.
    """

    x: tf.Tensor
    error: tf.Tensor


class Proved(NamedTuple):
    """What is known of a layer's weights before it is inverted.

    Attributes:
        stretches: (parts,) float64, bounds of Lip(F^-1) of the layers that it is made of.
        kernels: of all spectral layers in these, as evaluation uses them.
    """

    stretches: tf.Tensor
    kernels: list[tf.Tensor]


@dataclasses.dataclass(frozen=True, eq=False)
class Reference:
    """What an inverse is measured against.

    Attributes:
        twins: layer -> the same in float64.
        stretches: layer -> a bound of Lip(F^-1), a float64 scalar.
        carried: how the pass in float64 is meant.
    """

    twins: Mapping[Any, Any]
    stretches: Mapping[Any, tf.Tensor]
    carried: Carried

    def behind(self, layer: Any, y: Exact, near: tf.Tensor) -> Exact:
        """The exact inverse of a layer at y, which float32 says is near `near` (batch, *event)."""
        twin = self.twins[layer]
        x, moved = twin._inverse_near(y.x, tf.cast(near, tf.float64), self.carried)
        into = y.error + moved + ROUNDING * _size(y.x)
        error = twin._inverse_stretch(y.x, into, self.stretches[layer]) * into + ROUNDING * _size(x)
        return Exact(x, tf.where(tf.math.is_finite(error), error, math.inf))


def proved(layer: Any) -> Proved:
    """Of a layer with its weights as they are.

    In a compiled function weights have no values: the bounds are those of the weights while it is traced, and infinite
    in calls that find others.
    """
    parts = parts_of(layer)
    pairs = [pair for part in parts for pair in spectral_pairs(part, part._twin.of(part))]
    kernels = [own.normalized_kernel() for own, _ in pairs]
    if tf.executing_eagerly():
        return Proved(_stretches(layer, parts), kernels)
    with tf.init_scope():
        stretches = _stretches(layer, parts)
        before = [tf.identity(weight.value) for weight in layer.weights]
    pairs_of_weights = zip(before, layer.weights, strict=True)
    unchanged = tf.reduce_all([tf.reduce_all(old == weight.value) for old, weight in pairs_of_weights])
    return Proved(tf.where(unchanged, stretches, math.inf), kernels)


def inverse_and_errors(
    layer: Any, y: tf.Tensor, carried: Carried, known: Proved
) -> tuple[tf.Tensor, InverseReport | None]:
    """`layer._inverse(y, carried)`, with a report that has errors too."""
    twins = {part: part._twin.of(part) for part in parts_of(layer)}
    pairs = [pair for part, twin in twins.items() for pair in spectral_pairs(part, twin)]
    kernels = {other: tf.cast(kernel, tf.float64) for (_, other), kernel in zip(pairs, known.kernels, strict=True)}
    condition = None if carried.condition is None else tf.cast(carried.condition, tf.float64)
    reference = Reference(
        twins,
        dict(zip(twins, tf.unstack(known.stretches, len(twins)), strict=True)),
        Carried(condition=condition, kernels=kernels),
    )
    start = tf.cast(y, tf.float64)
    with with_weights(twins.items()):
        x, report, exact = layer._inverse_and_exact(
            y, carried, Exact(start, tf.zeros(tf.shape(y)[:1], tf.float64)), reference
        )
    estimate = _norm(tf.cast(x, tf.float64) - exact.x)
    estimate = tf.where(tf.math.is_nan(estimate), tf.constant(math.inf, estimate.dtype), estimate)
    report = InverseReport.exact(y) if report is None else report
    return x, report._replace(
        error_bound=_rounded_up(estimate + exact.error, y.dtype), error_estimate=tf.cast(estimate, y.dtype)
    )


def parts_of(layer: Any) -> list[Any]:
    """The layers that a layer's inverse goes through one by one, or itself."""
    inner = layer._inverted_one_by_one()
    return list(dict.fromkeys(part for one in inner for part in parts_of(one))) if inner else [layer]


def _stretches(layer, parts):
    return tf.constant([layer._known_bounds.of_part(layer, part).inverse for part in parts], tf.float64)


def _rounded_up(bound, dtype):
    return tf.cast(bound, dtype) * (1 + 4 * float(np.finfo(dtype.as_numpy_dtype).eps))


def _size(x):
    """|x|, and an element of size 1 for each of its own."""
    return math.sqrt(math.prod(x.shape[1:])) + _norm(x)


def _norm(x):
    return tf.sqrt(tf.reduce_sum(tf.square(x), range(1, x.shape.rank)))
