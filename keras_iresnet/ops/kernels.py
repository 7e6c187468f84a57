"""Which arithmetic is the fastest way to a result, by what was measured: the one place where that is chosen.

`scripts/benchmark.py` repeats the measurements; [docs/performance.md] has the figures.
"""

import functools
import os
import pathlib

import tensorflow as tf

from keras_iresnet.ops.map_forms import is_shareable, take_apart
from keras_iresnet.ops.maps import Map

_WIDE = 64  # outputs of a layer from which on bfloat16 makes up for its casts
_LARGE = 2**15  # elements of a kernel whose norm costs no step anything


def shares_its_norm(kernel: tf.Tensor) -> bool:
    """Whether kernels of this shape have one function for their norms, which the backward pass calls once more.

    A graph of many layers is smaller by most of what norms and their gradients take: a quarter of what 48 blocks of 512
    channels need until the first step. A small network would pay for it in each step.
    """
    return kernel.shape.num_elements() >= _LARGE


def shares_its_pass(g: Map) -> bool:
    """Whether branches of this form have one function for value, log-determinant and their gradients in training.

    A graph of many wide blocks is traced, and worked on before the first step, in a fraction of the time. A function
    gives its results all at once, so that a small network, whose blocks overlap, would pay for it in each step.
    """
    return any(shares_its_norm(part.kernel) for part in _layers(g)) and is_shareable(take_apart(g)[1])


@functools.cache
def has_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16, and TensorFlow is there to use it, without a GPU."""
    if tf.config.list_physical_devices("GPU") or os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return False
    description = pathlib.Path("/proc/cpuinfo")
    words = set(description.read_text().split()) if description.is_file() else set()
    return not words.isdisjoint(("avx512_bf16", "amx_bf16"))


def first_steps_dtype(g: Map, dtype: tf.DType) -> str | None:
    """What the first steps of a fixed point in `dtype` are best computed in, where that is something else.

    A contraction forgets its errors, so that the first steps need no more digits than they gain.
    """
    if dtype != tf.float32 or not has_bfloat16() or _width(g) < _WIDE or not is_shareable(take_apart(g)[1]):
        return None
    return "bfloat16"


def _width(g):
    """The most outputs that a layer of g has."""
    return max((part.kernel.shape[-1] for part in _layers(g)), default=0)


def _layers(g):
    """The parts of g with a kernel."""
    return [part for part in getattr(g, "maps", [g]) if hasattr(part, "kernel")]
