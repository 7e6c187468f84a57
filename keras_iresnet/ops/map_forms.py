"""Maps as their tensors and the rest of them: their form, which is hashable, and equal where the tensors alone differ.

So a function of maps can be traced once for all maps of one form: `recompute` and `shared` do.
"""

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

import tensorflow as tf

from keras_iresnet.ops.maps import Cast, Composition, Map


class _Tensor(NamedTuple):
    """Where a tensor was."""


class _Sequence(NamedTuple):
    """What a list or a tuple held."""

    kind: type
    forms: tuple


class _Map(NamedTuple):
    """What the attributes of a map were."""

    kind: type
    names: tuple
    forms: tuple


def take_apart(part: Any) -> tuple[list[tf.Tensor], Any]:
    """The tensors in a map, or in lists of maps and of what else there may be, and their form.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import map_forms, maps
    >>> tensors, form = map_forms.take_apart(maps.Dense(tf.eye(2)))
    >>> map_forms.put_together(form, iter([3 * tf.eye(2)]))(tf.ones((1, 2))).numpy().tolist()
    [[3.0, 3.0]]
    """
    if tf.is_tensor(part):
        return [part], _Tensor()
    if isinstance(part, (list, tuple)):
        tensors, forms = _take_all(part)
        return tensors, _Sequence(type(part), forms)
    if hasattr(part, "linearize"):
        tensors, forms = _take_all(vars(part).values())
        return tensors, _Map(type(part), tuple(vars(part)), forms)
    return [], part


def lowered(g: Map, dtype: tf.DType | str, stream_dtype: tf.DType | str) -> Map:
    """g computed in another floating-point type, from and to `stream_dtype`.

    Raises:
        ValueError: g holds a function that may depend on what nobody sees.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.ops import map_forms, maps
    >>> low = map_forms.lowered(maps.Dense(tf.eye(2) / 3), "bfloat16", "float32")
    >>> low(tf.ones((1, 2))).numpy().tolist()
    [[0.333984375, 0.333984375]]
    """
    tensors, form = take_apart(g)
    if not is_shareable(form):
        raise ValueError(f"A map must show its weights to be computed in {dtype}. Received: {type(g).__name__}")
    cast = (tf.cast(tensor, dtype) if tensor.dtype.is_floating else tensor for tensor in tensors)
    return Composition([Cast(dtype), put_together(form, cast), Cast(stream_dtype)])


def is_shareable(form: Any) -> bool:
    """Whether maps of this form differ in their tensors alone, and are told apart from all others by it.

    A function that was made within another may hold what it depends on, and is made anew each time.
    """
    if isinstance(form, (_Sequence, _Map)):
        return all(is_shareable(inner) for inner in form.forms)
    return isinstance(form, Hashable) and "<locals>" not in getattr(form, "__qualname__", "")


def _take_all(parts):
    taken = [take_apart(part) for part in parts]
    return [tensor for tensors, _ in taken for tensor in tensors], tuple(form for _, form in taken)


def put_together(form: Any, tensors: Iterator[tf.Tensor]) -> Any:
    """What `take_apart` was given, with the next of `tensors` for each of its own."""
    if isinstance(form, _Tensor):
        return next(tensors)
    if isinstance(form, _Sequence):
        return form.kind(put_together(inner, tensors) for inner in form.forms)
    if not isinstance(form, _Map):
        return form
    made: Any = object.__new__(form.kind)
    for name, inner in zip(form.names, form.forms, strict=True):
        setattr(made, name, put_together(inner, tensors))
    return made
