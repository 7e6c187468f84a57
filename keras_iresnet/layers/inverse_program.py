"""How an inverse that iterates is run when it is called eagerly: compiled once a layer, on all cores.

Inside another compiled function, and where all is closed forms, the layer's `_inverse` runs as it stands.
"""

import itertools
import os
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.inverse_errors import inverse_and_errors, proved
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.spectral.norm_groups import with_all_kernels

if TYPE_CHECKING:
    from keras_iresnet.layers.invertible import InvertibleLayer

_LEAST_SHARE = 4  # examples that a core of its own is worth


class InversePrograms:
    """The compiled inverses of a layer, in an object in which neither Keras nor TensorFlow looks for weights."""

    def __init__(self) -> None:
        self.by_settings: dict[Hashable, Callable[..., Any]] = {}


def inverted(
    layer: "InvertibleLayer", y: tf.Tensor, carried: Carried, *, errors: bool = False
) -> tuple[tf.Tensor, InverseReport]:
    """The inverse of a layer at y (batch, *event), with its report; `carried` has condition and tolerance."""
    known = proved(layer) if errors else None
    settings = tuple(found for inner in layers_in(layer) if (found := _settings(inner)) is not None)
    eager = tf.executing_eagerly() and not tf.config.functions_run_eagerly()
    # No example is not compiled for: some convolutions of oneDNN then return another number of channels than theirs.
    if not settings or not eager or not len(y):
        return _in_one(layer, y, with_all_kernels(layer, carried), known)
    shares = _shares(len(y))
    key = (settings, shares, carried.tolerance, carried.condition is None, errors)
    programs = layer._inverse_programs.by_settings
    if key not in programs:
        programs[key] = _program(layer, carried.tolerance, shares)
    return programs[key](y, carried.condition, known)


def _settings(layer):
    """What an iteration depends on beside weights; `None` for a layer that does not iterate."""
    return layer._inverse_settings() if hasattr(layer, "_inverse_settings") else None


def _program(layer, tolerance, shares):
    def solve(y, condition, known):
        carried = with_all_kernels(layer, Carried(condition=condition, tolerance=tolerance))
        if shares == 1:
            return _in_one(layer, y, carried, known)
        return _side_by_side(layer, y, carried, known, shares)

    return tf.function(solve, autograph=False, reduce_retracing=True)


def _in_one(layer, y, carried, known):
    if known is not None:
        return inverse_and_errors(layer, y, carried, known)
    x, report = layer._inverse(y, carried)
    return x, InverseReport.exact(y) if report is None else report


def _side_by_side(layer, y, carried, known, shares):
    """Parts of the batch, which do not depend on each other, so that TensorFlow may compute them at the same time."""
    bounds = [tf.shape(y)[0] * i // shares for i in range(shares + 1)]
    parts = [_in_one(layer, y[low:high], carried.rows(low, high), known) for low, high in itertools.pairwise(bounds)]
    return tf.nest.map_structure(lambda *found: None if found[0] is None else tf.concat(found, 0), *parts)


def _shares(batch):
    """Parts to compute side by side: where each operation has a core for itself, one a core."""
    if tf.config.threading.get_intra_op_parallelism_threads() != 1:
        return 1
    cores = tf.config.threading.get_inter_op_parallelism_threads() or os.cpu_count() or 1
    return max(1, min(cores, batch // _LEAST_SHARE))
