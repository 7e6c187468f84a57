"""The trace of a branch's Jacobian where its structure gives it for less than one product: no vectors, no variance.

With D the diagonal matrices of the activations' slopes and W the layers, tr(J) is

    one hidden layer     sum_(q,h) D1[q,h] sum_(o,c) D0[q+o,c] W1[o,c,h] W2[-o,h,c]
    two, D0 = I          sum_(q,h,k) D1[q,h] W2[h,k] D2[q,k] sum_(o,c) W1[o,c,h] W3[-o,k,c]

over positions q, channels c and a kernel's offsets o whose q + o lies in the image. For one it is a convolution; for
two the last sum is one of weights alone, the same at all q but those near a border. A dense layer is a kernel of 1x1
on an image of one pixel. Behind a first activation two hidden layers would cost some ten products and more, for which
balanced vectors do as well.
"""

from collections.abc import Iterator

import tensorflow as tf

from keras_iresnet.ops.maps.composition import Composition
from keras_iresnet.ops.maps.elementwise import Elementwise, Scale, Shift
from keras_iresnet.ops.maps.linear import Conv2D, Dense
from keras_iresnet.ops.maps.linearization import Map


def exact_trace(g: Map, x: tf.Tensor) -> tf.Tensor | None:
    """tr(dg/dx) of each example, (batch,), or `None` where the structure of g does not give it for about one product.

    Args:
        g: a `Composition` of `Elementwise` activations and of two `Dense` layers, or two `Conv2D` with odd kernels of
            one size, zero padding and no strides; or of three without an activation before the first, of which the
            middle one of convolutions is 1x1. `Shift` and `Scale` may be anywhere.
        x: (batch, *event).

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import maps
    >>> g = maps.Composition([maps.Dense(tf.ones((2, 3))), maps.Dense(tf.fill((3, 2), 0.5))])
    >>> maps.exact_trace(g, tf.zeros((1, 2))).numpy().tolist()
    [3.0]
    """
    parts = list(_flat(g))
    layers = [part for part in parts if isinstance(part, (Dense, Conv2D))]
    before = [sum(isinstance(part, Elementwise) for part in run) for run in _runs(parts, layers)]
    known = all(isinstance(part, (Dense, Conv2D, Elementwise, Scale, Shift)) for part in parts)
    if not known or max(before) > 1 or before[-1] or not _is_plain(layers) or (len(layers) == 3 and before[0]):
        return None
    kernels = [layer.kernel if isinstance(layer, Conv2D) else layer.kernel[None, None] for layer in layers]
    slopes, factor = _slopes(parts, x)
    if len(layers) == 2:
        return factor * _of_one_hidden_layer(kernels, slopes)
    return factor * _of_two_hidden_layers(kernels, slopes[1:])


def _flat(g: Map) -> Iterator[Map]:
    for part in getattr(g, "maps", [g]):
        yield from _flat(part) if isinstance(part, Composition) else [part]


def _runs(parts, layers):
    """What stands before each layer, and behind the last."""
    cuts = [index for index, part in enumerate(parts) if any(part is layer for layer in layers)]
    return [parts[a:b] for a, b in zip([0, *cuts], [*cuts, len(parts)], strict=True)]


def _is_plain(layers):
    """Whether the layers are two or three of one kind, and of the sizes that a trace is known for."""
    if len(layers) not in (2, 3) or len({type(layer) for layer in layers}) > 1:
        return False
    if isinstance(layers[0], Dense):
        return all(layer.kernel.shape.rank == 2 for layer in layers)
    sizes = [tuple(layer.kernel.shape[:2]) for layer in layers]
    plain = all(layer.strides == 1 and layer.padding == "SAME" for layer in layers)
    odd = all(side % 2 for side in sizes[0])
    return plain and odd and sizes[0] == sizes[-1] and all(size == (1, 1) for size in sizes[1:-1])


def _slopes(parts, x):
    """The slopes before each layer, (batch, height, width, channels), ones where there are none; and all factors."""
    slopes, slope, factor = [], None, 1.0
    for part in parts:
        if isinstance(part, Elementwise):
            x, slope = part.value_and_slope(x, *part.parameters)
            continue
        if isinstance(part, (Dense, Conv2D)):
            found = tf.ones_like(x) if slope is None else slope
            slopes.append(found if found.shape.rank == 4 else found[:, None, None])
            slope = None
        if isinstance(part, Scale):
            factor *= part.factor
        x = part(x)
    return slopes, factor


def _turned(kernel):
    """(height, width, outputs, inputs), the offsets the other way round."""
    return tf.transpose(tf.reverse(kernel, (0, 1)), (0, 1, 3, 2))


def _of_one_hidden_layer(kernels, slopes):
    first, last = kernels
    reached = tf.nn.conv2d(slopes[0], first * _turned(last), 1, "SAME")
    return tf.reduce_sum(reached * slopes[1], (1, 2, 3))


def _of_two_hidden_layers(kernels, slopes):
    first, middle, last = kernels
    back = tf.einsum("yxch,yxck->yxhk", first, _turned(last))  # from the second hidden layer to the first
    total = tf.zeros(tf.shape(slopes[0])[0], first.dtype)
    for rows, ys in _places(slopes[0].shape[1], first.shape[0]):
        for columns, xs in _places(slopes[0].shape[2], first.shape[1]):
            weights = middle[0, 0] * tf.reduce_sum(back[ys, xs], (0, 1))
            there = [slope[:, rows, columns] for slope in slopes]
            total += tf.reduce_sum(tf.einsum("byxh,hk->byxk", there[0], weights) * there[1], (1, 2, 3))
    return total


def _places(size, side):
    """Slices of an axis, each with the slice of a kernel's offsets that stay inside of it."""
    near = side // 2
    inside = [(max(0, near - place), min(side, size + near - place)) for place in range(size)]
    return [
        (slice(inside.index(offsets), size - inside[::-1].index(offsets)), slice(*offsets))
        for offsets in dict.fromkeys(inside)
    ]
