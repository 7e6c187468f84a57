"""What a layer's log-determinant is worth beside that of its Jacobian: exact, unbiased, or biased by how much."""

import contextlib
import math
from typing import Any

import numpy as np
import scipy.linalg
import tensorflow as tf

from keras_iresnet.layers import BranchBlock, InvertibleLayer
from keras_iresnet.layers.float64_twin import with_weights
from keras_iresnet.layers.seeds import as_seed
from keras_iresnet.ops.log_det import rademacher

DRAWS = 400  # of an estimated log-determinant
_ERRORS = 4.0  # standard errors, beyond which a mean is off
_ROUNDING = {tf.float32: 1e-4, tf.float64: 1e-8}  # relative to a nat or to the log-determinant
_LARGEST = 1024  # dimensions, up to which the logarithm of a Jacobian takes seconds


def likelihood_of(layer: InvertibleLayer, x: tf.Tensor, seed: int) -> dict[str, Any]:
    """The columns `likelihood`, `log_det_error_nats` and `log_det_standard_error_nats` of `properties.Properties`.

    From each draw of a residual block, v^T log(dF/dx) v is taken away for the probe v of that very draw: its mean is
    the log-determinant, and with it nearly all noise of the draw is gone, so that the bias of a cut series is seen. A
    block computes in float64 for this, with the weights that it has, as rounding would hide a bias of 1e-5 nats.

    Args:
        layer: built.
        x: (batch, *event), a few inputs of it.
        seed: of the draws.
    """
    with _in_float64(layer, x) as (layer, x):
        jacobian = dense_jacobian(layer, x)
        draw = tf.function(lambda seed: layer.forward_and_log_det(x, seed)[1], autograph=False)
        few = np.stack([draw(tf.constant([seed, index])) for index in range(2)]).astype(np.float64)
        random = bool(np.any(few[0] != few[1]))
        seeds = [tf.constant([seed, index]) for index in range(DRAWS)] if random else []
        draws = np.stack([draw(one) for one in seeds]).astype(np.float64) if random else few[:1]
    exact = np.linalg.slogdet(jacobian)[1]
    off = draws - exact
    if random and isinstance(layer, BranchBlock):
        off = _without_the_probes_noise(layer, x, jacobian, draws, off, seeds)
    error, chance = np.abs(off.mean(0)), np.zeros(len(exact))
    if random:
        chance = off.std(0, ddof=1) / math.sqrt(DRAWS)
    biased = bool(np.any(error > _ERRORS * chance + _ROUNDING[x.dtype] * (1 + np.abs(exact))))
    worst = int(np.argmax(error))
    return {
        "likelihood": "biased" if biased else "unbiased" if random else "exact",
        "log_det_error_nats": float(error[worst]),
        "log_det_standard_error_nats": float(chance[worst]),
    }


def dense_jacobian(layer: InvertibleLayer, x: tf.Tensor) -> np.ndarray:
    """(batch, D, D) float64, by automatic differentiation of the layer's values, output by output."""

    def row(output):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reshape(layer(x), (x.shape[0], -1))[:, output]
        return tf.reshape(tape.gradient(y, x, unconnected_gradients="zero"), (x.shape[0], -1))

    # Compiled: eagerly, the solver of a differential equation would take seconds for each row.
    row, rows = tf.function(row, autograph=False), range(math.prod(x.shape[1:]))
    return np.stack([row(tf.constant(output)) for output in rows], 1).astype(np.float64)


@contextlib.contextmanager
def _in_float64(layer, x):
    """A residual block's twin of that type, and x; another layer as it is, whose solver goes by its type."""
    if not isinstance(layer, BranchBlock):
        yield layer, x
        return
    twin = layer._twin.of(layer)
    with with_weights([(layer, twin)]):
        yield twin, tf.cast(x, tf.float64)


def _without_the_probes_noise(block, x, jacobian, draws, off, seeds):
    """How far draws are off (draws, batch), by the same probes' exact quadratic forms where that has less variance."""
    if jacobian.shape[-1] > _LARGEST:
        return off
    logarithms = np.stack([scipy.linalg.logm(one) for one in jacobian])
    if not np.all(np.isfinite(logarithms)) or np.abs(logarithms.imag).max() > 1e-8:  # of eigenvalues below 0
        return off
    count = getattr(block.estimator, "num_probes", 1)
    forms = []
    for seed in seeds:
        v = np.reshape(rademacher(as_seed(seed), count, x), (count, len(x), -1))
        forms.append(np.einsum("pbi,bij,pbj->b", v, logarithms.real, v) / count)
    paired = draws - np.stack(forms)
    return np.where(paired.std(0) < off.std(0), paired, off)
