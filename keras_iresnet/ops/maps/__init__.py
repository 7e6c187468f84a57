"""Differentiable maps with their derivative: what a residual branch is made of once its weights are fixed.

A map `m` is called for its value and linearised for its derivative at a point:

    y = m(x)
    value, jvp, vjp = m.linearize(x, probes)

`jvp` and `vjp` multiply by J = dm/dx and by J^T. They serve `probes` tangents an example at once: for x of shape
(batch, *event) they take and return (probes * batch, *event), all examples of the first probe first. Everything is
built of differentiable TensorFlow operations: gradients flow through `jvp` and `vjp` to x and to the weights.

The number of operations counts: small models are bound by it, and users wait for every operation to be traced.

Knows `replicas` and `uniform` beside it; imported by `layers`, which make maps of their weights, and by estimators and
solvers, which see maps alone.
"""

from keras_iresnet.ops.maps.composition import Cast, Composition
from keras_iresnet.ops.maps.elementwise import Elementwise, Mask, MaxMin, Scale, Shift
from keras_iresnet.ops.maps.exact_trace import exact_trace
from keras_iresnet.ops.maps.groups import GroupSort, Householder
from keras_iresnet.ops.maps.linear import Conv2D, Dense
from keras_iresnet.ops.maps.linearization import Linearization, Map
from keras_iresnet.ops.maps.taped import Taped
from keras_iresnet.ops.maps.widening import Beside, TwoSided

__all__ = [
    "Beside",
    "Cast",
    "Composition",
    "Conv2D",
    "Dense",
    "Elementwise",
    "GroupSort",
    "Householder",
    "Linearization",
    "Map",
    "Mask",
    "MaxMin",
    "Scale",
    "Shift",
    "Taped",
    "TwoSided",
    "exact_trace",
]
