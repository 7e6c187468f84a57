"""The products of a compiled function, counted in its graph, and how long this machine takes for them alone.

A roofline of its own machine: what a step would take if it were convolutions and matrix products, at the shapes that
it has, and nothing else.
"""

import collections
import math
import os
import statistics
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from keras_iresnet.benchmarks.operations import is_call, needed
from keras_iresnet.borrowed.tensorflow_names import called

_OPTIONS = ("strides", "padding", "transpose_a", "transpose_b", "adj_x", "adj_y")
_CONVOLUTIONS = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
_MATRICES = ("MatMul", "BatchMatMulV2")
_COPIES = 4  # of a product in a timed call, for each core that takes operations side by side


class Product(NamedTuple):
    """A convolution, one of its two transposes, or a matrix product.

    Attributes:
        kind: TensorFlow's name of the operation.
        operands: (name, shape) of each.
        result: the shape.
        dtype: of operands and result.
        options: (name, value) of what else it depends on.
    """

    kind: str
    operands: tuple[tuple[str, tuple[int, ...]], ...]
    result: tuple[int, ...]
    dtype: str
    options: tuple[tuple[str, Any], ...]

    @property
    def flop(self) -> int:
        """Multiplications and additions; those with a zero of the padding are counted, as is usual."""
        shapes = dict(self.operands)
        if self.kind == "Conv2D":
            return 2 * math.prod(self.result) * math.prod(shapes["filter"][:3])
        if self.kind == "Conv2DBackpropInput":
            return 2 * math.prod(shapes["out_backprop"]) * math.prod(shapes["filter"][:3])
        if self.kind == "Conv2DBackpropFilter":
            return 2 * math.prod(shapes["out_backprop"]) * math.prod(self.result[:3])
        turned = dict(self.options).get("transpose_a", dict(self.options).get("adj_x", False))
        left = shapes.get("a", shapes.get("x", ()))
        return 2 * math.prod(self.result) * left[-2 if turned else -1]


def products_of(function: Any) -> collections.Counter[Product]:
    """How often each product is computed by a concrete function of tensors whose shapes are known.

    Raises:
        ValueError: a shape is not known, or products are in a loop or a choice: how many depends on what is computed.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.benchmarks.arithmetic import products_of
    >>> cube = tf.function(lambda a: a @ a @ a).get_concrete_function(tf.TensorSpec((10, 10)))
    >>> [(product.kind, product.flop, count) for product, count in products_of(cube).items()]
    [('MatMul', 2000, 2)]
    """
    return _products_in(function.graph)


class Arithmetic(NamedTuple):
    """The products of something that is timed.

    Attributes:
        gflop: 10^9 multiplications and additions of all of them.
        alone_seconds: what this process takes for them, at their shapes and on all cores, if it does nothing else.
    """

    gflop: float
    alone_seconds: float

    @classmethod
    def of(cls, products: Mapping[Product, int], rounds: int = 5) -> "Arithmetic":
        """Count and time products.

        Args:
            products: how often each is computed.
            rounds: times that each is timed; the median counts.
        """
        total = sum(count * product.flop for product, count in products.items())
        return cls(total / 1e9, sum(count * _seconds(product, rounds) for product, count in products.items()))

    def reached(self, seconds: float) -> dict[str, float]:
        """How close something of these products that takes so long comes to them alone.

        Returns:
            `gflop`, the rates in 10^9 a second that are reached (`gflop_per_second`) and that the products have alone
            (`gflop_per_second_alone`), and `share`, the first rate over the second.

        Example:
        >>> from keras_iresnet.benchmarks.arithmetic import Arithmetic
        >>> Arithmetic(gflop=30.0, alone_seconds=0.2).reached(0.25)["share"]
        0.8
        """
        rates = {"gflop_per_second": self.gflop / seconds, "gflop_per_second_alone": self.gflop / self.alone_seconds}
        return {"gflop": self.gflop, **rates, "share": self.alone_seconds / seconds}


def _products_in(graph):
    found: collections.Counter[Product] = collections.Counter()
    for operation in needed(graph):
        if operation.type in _CONVOLUTIONS + _MATRICES:
            found[_product(operation)] += 1
        for inner in called(operation):
            within = _products_in(inner)
            if within and not is_call(operation):
                raise ValueError(f"Products in loops and choices cannot be counted. Received: {operation.name}")
            found += within
    return found


def _product(operation):
    names = (argument.name for argument in operation.op_def.input_arg)
    operands = [(name, x) for name, x in zip(names, operation.inputs, strict=True) if x.dtype.is_floating]
    (result,) = operation.outputs
    shapes = [tuple(x.shape) for _, x in operands] + [tuple(result.shape)]
    if any(side is None for shape in shapes for side in shape):
        raise ValueError(f"Shapes must be known to count products. Received: {shapes} of {operation.name}")
    known = {attribute.name for attribute in operation.op_def.attr}
    options = tuple((name, _plain(operation.get_attr(name))) for name in _OPTIONS if name in known)
    named = tuple(zip((name for name, _ in operands), shapes[:-1], strict=True))
    return Product(operation.type, named, shapes[-1], result.dtype.name, options)


def _plain(value):
    if isinstance(value, bytes):
        return value.decode()
    return tuple(value) if isinstance(value, list) else value


def _seconds(product, rounds):
    """Of one computation, where as many go on side by side as TensorFlow takes."""
    copies = _COPIES * _side_by_side()
    arguments = [_operands(product) for _ in range(copies)]

    @tf.function(autograph=False)
    def compute(arguments):
        # One number of each result is looked at, so that none is left out and all are waited for.
        return tf.add_n([tf.reshape(_computed(product, operands), [-1])[0] for operands in arguments])

    compute(arguments)
    return statistics.median(_timed(compute, arguments) for _ in range(rounds)) / copies


def _timed(compute, arguments):
    begin = time.perf_counter()
    compute(arguments).numpy()
    return time.perf_counter() - begin


def _operands(product):
    return {name: tf.cast(tf.random.normal(shape), product.dtype) for name, shape in product.operands}


def _computed(product, operands):
    sizes = {"Conv2DBackpropInput": "input_sizes", "Conv2DBackpropFilter": "filter_sizes"}.get(product.kind)
    more = {sizes: tf.constant(product.result)} if sizes else {}
    options = {name: list(value) if isinstance(value, tuple) else value for name, value in product.options}
    return getattr(tf.raw_ops, product.kind)(**operands, **more, **options)


def _side_by_side():
    """Operations at a time, where each has one thread; else one operation takes all cores."""
    if tf.config.threading.get_intra_op_parallelism_threads() != 1:
        return 1
    return tf.config.threading.get_inter_op_parallelism_threads() or os.cpu_count() or 1
