"""Flows as ONNX files, which run without TensorFlow."""

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.spectral.norm_groups import with_all_kernels
from keras_iresnet.ops.log_det import ExactLogDet, LogDetEstimator

OPSET = 18
_BOOL = 9  # TensorProto.BOOL of ONNX
SUFFIX = ".onnx"
TOLERANCE, MAX_STEPS = 1e-5, 200


def export_onnx(
    flow: Any,
    folder: str | os.PathLike,
    *,
    batch_size: int | None = None,
    estimator: LogDetEstimator | None = None,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    max_steps: int = MAX_STEPS,
    verbose: bool = True,
) -> None:
    """Write `forward.onnx`, `log_prob.onnx` and `inverse.onnx`; see `Density.export` for the arguments.

    Raises:
        ValueError: a flow in another precision than float32, a folder that holds something, an estimator that draws
            probes without a `batch_size`, or tf2onnx is not installed.
    """
    path = pathlib.Path(folder)
    _check(flow, path, batch_size, estimator, tolerance, max_steps)
    converter = _converter()
    functions = {
        "forward": (_forward(flow), tf.TensorSpec((batch_size, *flow.event_shape), "float32", "x")),
        "log_prob": (
            _log_prob(flow, estimator or _exact(), seed),
            tf.TensorSpec((batch_size, *flow.event_shape), "float32", "x"),
        ),
        "inverse": (_inverse(flow, tolerance), tf.TensorSpec((batch_size, flow.dimension), "float32", "z")),
    }
    path.mkdir(parents=True, exist_ok=True)
    with _limited(flow.layer, max_steps):
        for name, (function, spec) in functions.items():
            specs = [spec]
            if flow.condition_size is not None:
                specs.append(tf.TensorSpec((batch_size, flow.condition_size), "float32", "condition"))
            converter(function, specs, path / f"{name}{SUFFIX}")
    if verbose:
        print(f"Saved in {path}, for ONNX: {', '.join(name + SUFFIX for name in functions)}")


def _check(flow, path, batch_size, estimator, tolerance, max_steps):
    if flow.stream_dtype != "float32":
        raise ValueError(f"A flow must be in float32 for ONNX. Received: {flow.stream_dtype}")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"`filepath` must be a new or an empty folder. Received: filepath={str(path)!r}")
    if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
        raise ValueError(f"`batch_size` must be an integer of at least 1, or None. Received: batch_size={batch_size!r}")
    if batch_size is None and not isinstance(estimator, ExactLogDet | None):
        raise ValueError(
            "`batch_size` must be given for an estimator with random probes, which are drawn once and kept: ONNX has "
            f"no random numbers from a seed. Received: batch_size=None, estimator={estimator}"
        )
    if not tolerance > 0:
        raise ValueError(f"`tolerance` must be positive. Received: tolerance={tolerance!r}")
    if not isinstance(max_steps, int) or max_steps < 1:
        raise ValueError(f"`max_steps` must be an integer of at least 1. Received: max_steps={max_steps!r}")


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
        # With its first steps in the same precision as all others: an ONNX runtime has no fast bfloat16.
        carried = Carried(condition=condition, tolerance=tolerance, precise=True)
        latents = tf.reshape(z, (-1, *flow._latent_event))
        x, report = flow.layer._inverse(latents, with_all_kernels(flow.layer, carried))
        found = {"x": x}
        if report is not None:
            found |= {"residual": report.residual, "steps": report.steps, "converged": report.converged}
        return found

    return inverse


class _PivotLogDet(ExactLogDet):
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


def _exact():
    return _PivotLogDet()


@contextlib.contextmanager
def _limited(layer: Any, max_steps: int) -> Iterator[None]:
    """The iterations of a layer with another bound of their steps."""
    iterating = [one for one in layers_in(layer) if hasattr(one, "max_steps")]
    before = [one.max_steps for one in iterating]
    try:
        for one in iterating:
            one.max_steps = max_steps
        yield
    finally:
        for one, steps in zip(iterating, before, strict=True):
            one.max_steps = steps


def _converter() -> Callable[[Callable[..., Mapping[str, tf.Tensor]], list[tf.TensorSpec], pathlib.Path], None]:
    """What writes a function of tensors as an ONNX file."""
    try:
        import tf2onnx
    except ImportError as error:
        raise ValueError(
            "Files of ONNX need tf2onnx, which is not installed: pip install 'keras-iresnet[onnx]'."
        ) from error
    from keras_iresnet.borrowed.keras_names import mend_tf2onnx

    mend_tf2onnx()

    def convert(function, specs, path):
        traced = tf.function(function, autograph=False)
        handlers: dict[str, tuple[Callable[..., Any], list[Any]]] = {
            name: (_as_where, []) for name in ("Select", "SelectV2")
        }
        tf2onnx.convert.from_function(
            traced, input_signature=specs, opset=OPSET, custom_op_handlers=handlers, output_path=str(path)
        )

    return convert


def _as_where(context, node, name, arguments):
    """`tf.where` as ONNX's own: tf2onnx makes sums of products of it, through which NaN comes that was not chosen."""
    del name, arguments
    if context.get_dtype(node.output[0]) == _BOOL:  # which onnxruntime does not choose among
        from tf2onnx.onnx_opset.controlflow import Select

        return Select.version_7(context, node)
    node.type = "Where"
    node.domain = ""
    return node
