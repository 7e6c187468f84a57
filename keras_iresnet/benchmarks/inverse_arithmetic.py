"""The products of an inverse, whose number the data decide: those of each branch, as often as it was called."""

import collections
from collections.abc import Hashable

import tensorflow as tf

from keras_iresnet.benchmarks.arithmetic import Product, products_of
from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.layers import Carried, InvertibleResidualBlock
from keras_iresnet.models import Flow
from keras_iresnet.ops.map_forms import take_apart
from keras_iresnet.ops.maps import Linearization, Map


def products_of_inverse(flow: Flow, z: tf.Tensor, *, tolerance: float | None = None) -> collections.Counter[Product]:
    """How often each product is computed by `flow.inverse(z)`, found by taking it step by step.

    Args:
        flow: of residual blocks.
        z: (batch, D).
        tolerance: as for `inverse`.
    """
    counts = _Counts()
    blocks = [layer for layer in layers_in(flow.layer) if type(layer) is InvertibleResidualBlock]
    counted = type("CountedBlock", (_CountedBlock,), {"counts": counts})
    for block in blocks:
        block.__class__ = counted
    tf.config.run_functions_eagerly(True)
    try:
        flow.inverse(z, tolerance=tolerance)
    finally:
        tf.config.run_functions_eagerly(False)
        for block in blocks:
            block.__class__ = InvertibleResidualBlock
    return counts.products()


class _Counts:
    """How often maps were called, by what of a call decides its products."""

    def __init__(self) -> None:
        self.calls: collections.Counter[Hashable] = collections.Counter()
        self.examples: dict[Hashable, tuple[Map, tf.TensorSpec]] = {}

    def add(self, g: Map, x: tf.Tensor) -> None:
        """Count the call g(x)."""
        tensors, form = take_apart(g)
        key = (form, tuple((tuple(tensor.shape), tensor.dtype) for tensor in tensors), tuple(x.shape), x.dtype)
        self.calls[key] += 1
        self.examples.setdefault(key, (g, tf.TensorSpec(x.shape, x.dtype)))

    def products(self) -> collections.Counter[Product]:
        """Those of all calls."""
        found: collections.Counter[Product] = collections.Counter()
        for key, count in self.calls.items():
            g, spec = self.examples[key]
            once = products_of(tf.function(g, autograph=False).get_concrete_function(spec))
            found.update({product: count * each for product, each in once.items()})
        return found


class _CountedBlock(InvertibleResidualBlock):
    """A block whose branch is counted when it is called."""

    counts: _Counts

    def _branch_map(self, carried: Carried) -> Map:
        return _Counted(super()._branch_map(carried), self.counts)


class _Counted:
    """A map that counts its calls, in whatever precision it is put together again."""

    def __init__(self, inner: Map, counts: _Counts) -> None:
        self.inner, self.counts = inner, counts

    @property
    def maps(self) -> list[Map]:
        """Those that `kernels.first_steps_dtype` looks at."""
        return getattr(self.inner, "maps", [self.inner])

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The value at x (batch, *event)."""
        self.counts.add(self.inner, x)
        return self.inner(x)

    def linearize(self, x: tf.Tensor, probes: int = 1) -> Linearization:
        """Value and derivative at x."""
        return self.inner.linearize(x, probes)
