"""What the ONNX files of a model compute: a name -> a function of tensors, and what it is given."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.spectral.norm_groups import with_all_kernels
from keras_iresnet.ops.fixed_point import default_tolerance
from keras_iresnet.ops.log_det import ExactLogDet, LogDetEstimator

OnnxFunction = tuple[Callable[..., Mapping[str, tf.Tensor]], list[tf.TensorSpec]]  # inputs are named as its arguments
TOLERANCE = default_tolerance("float32")  # as inverses of the model itself


def flow_functions(
    flow: Any,
    batch_size: int | None,
    *,
    tolerance: float = TOLERANCE,
    estimator: LogDetEstimator | None = None,
    seed: int = 0,
) -> dict[str, OnnxFunction]:
    """`forward`, `log_prob` and `inverse` of a flow; see `Density.export` for the arguments.

    Raises:
        ValueError: an estimator that draws probes without a `batch_size`, or a tolerance that cannot be.
    """
    _check_tolerance(tolerance)
    if isinstance(estimator, ExactLogDet | None):
        estimator = PivotLogDet()
    elif batch_size is None:
        raise ValueError(
            "`batch_size` must be given for an estimator with random probes, which are drawn once and kept: ONNX has "
            f"no random numbers from a seed. Received: batch_size=None, estimator={estimator}"
        )
    x = tf.TensorSpec((batch_size, *flow.event_shape), "float32", "x")
    z = tf.TensorSpec((batch_size, flow.dimension), "float32", "z")
    condition = []
    if flow.condition_size is not None:
        condition = [tf.TensorSpec((batch_size, flow.condition_size), "float32", "condition")]
    return {
        "forward": (_forward(flow), [x, *condition]),
        "log_prob": (_log_prob(flow, estimator, seed), [x, *condition]),
        "inverse": (_inverse(flow, tolerance), [z, *condition]),
    }


def classifier_functions(
    classifier: Any, batch_size: int | None, *, tolerance: float = TOLERANCE
) -> dict[str, OnnxFunction]:
    """`predict_proba` and `features` of a classifier, and `invert` where it has an inverse; see `Classifier.export`.

    Raises:
        ValueError: a tolerance that cannot be.
    """
    _check_tolerance(tolerance)
    functions = probability_function(classifier, batch_size) | {
        "features": (
            lambda x: {"features": classifier.features(x, training=False)},
            [_integer_images(classifier, batch_size)],
        )
    }
    if classifier.has_inverse:
        spec = tf.TensorSpec((batch_size, *classifier.feature_shape), "float32", "features")
        functions["invert"] = (_invert(classifier, tolerance), [spec])
    return functions


def probability_function(model: Any, batch_size: int | None) -> dict[str, OnnxFunction]:
    """`predict_proba` of anything that has logits."""

    def predict_proba(x):
        logits = model.logits(x)
        return {"probabilities": tf.nn.softmax(logits), "logits": logits}

    return {"predict_proba": (predict_proba, [_integer_images(model, batch_size)])}


def _integer_images(model, batch_size):
    return tf.TensorSpec((batch_size, *model.event_shape), "uint8" if model.bins <= 256 else "int32", "x")


def _check_tolerance(tolerance):
    if not tolerance > 0:
        raise ValueError(f"`tolerance` must be positive. Received: tolerance={tolerance!r}")


def _forward(flow):
    def forward(x, condition=None):
        return {"z": flow.forward(x, condition=condition)}

    return forward


def _log_prob(flow, estimator, seed):
    def log_prob(x, condition=None):
        return {"log_prob": flow.log_prob(x, seed, estimator=estimator, condition=condition)}

    return log_prob


def _inverse(flow, tolerance):
    def inverse(z, condition=None):
        latents = tf.reshape(z, (-1, *flow._latent_event))
        return _inverted(flow.layer, latents, "x", Carried(condition=condition, tolerance=tolerance, precise=True))

    return inverse


def _invert(classifier, tolerance):
    def invert(features):
        return _inverted(classifier.layer, features, "images", Carried(tolerance=tolerance, precise=True))

    return invert


def _inverted(layer, y, name, carried):
    """An inverse with its report; `carried` keeps all steps in one precision: no ONNX runtime has a fast bfloat16."""
    x, report = layer._inverse(y, with_all_kernels(layer, carried))
    found = {name: x}
    if report is not None:
        found |= {"residual": report.residual, "steps": report.steps, "converged": report.converged}
    return found


class PivotLogDet(ExactLogDet):
    """`ExactLogDet` by elimination without pivoting, of operations that ONNX has.

    For |J| < 1 the symmetric part of I + J is positive definite, so are those of all its Schur complements, and no
    pivot is 0 (Golub and Van Loan, section 4.4.1).
    """

    @staticmethod
    def _log_abs_det(matrix):
        size = matrix.shape[-1]
        place = tf.range(size)

        def eliminate(k, matrix, nats):
            at = tf.cast(tf.equal(place, k), matrix.dtype)
            row = tf.linalg.matvec(matrix, at, transpose_a=True)
            column = tf.linalg.matvec(matrix, at)
            pivot = tf.reduce_sum(row * at, -1)
            nats += tf.math.log(tf.abs(pivot))
            return k + 1, matrix - column[..., :, None] * (row / pivot[..., None])[..., None, :], nats

        start = (tf.constant(0), matrix, tf.zeros_like(matrix[..., 0, 0]))
        *_, nats = tf.while_loop(lambda k, matrix, nats: k < size, eliminate, start)
        return nats
