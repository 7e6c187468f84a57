"""Models as ONNX files, which run without TensorFlow."""

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.models.files.onnx_functions import OnnxFunction
from keras_iresnet.models.files.replacing import replacing_folder

OPSET = 18
_BOOL = 9  # TensorProto.BOOL of ONNX
SUFFIX = ".onnx"
MAX_STEPS = 200


def export_onnx(
    model: Any,
    functions_for: Callable[..., Mapping[str, OnnxFunction]],
    folder: str | os.PathLike,
    *,
    batch_size: int | None = None,
    max_steps: int = MAX_STEPS,
    verbose: bool = True,
    **options: Any,
) -> None:
    """Write one file for each function of a model; see its `export` for the arguments.

    Args:
        model: a model around one layer.
        functions_for: (batch_size, **options) -> name -> a function and what it is given.
        folder: to write, new or empty.
        batch_size: of every call, or `None` for any.
        max_steps: of each fixed point.
        verbose: whether to say what was written.
        **options: for `functions_for`.

    Raises:
        ValueError: a model in another precision than float32, a folder that holds something, an option that cannot be,
            or tf2onnx is not installed.
        OSError: the folder cannot be written.
    """
    path = pathlib.Path(folder)
    _check(model, path, batch_size, max_steps)
    functions = functions_for(batch_size, **options)
    converter = _converter()
    with replacing_folder(path) as whole, _limited(model.layer, max_steps):
        for name, (function, specs) in functions.items():
            converter(function, specs, whole / f"{name}{SUFFIX}")
    if verbose:
        print(f"Saved in {path}, for ONNX: {', '.join(name + SUFFIX for name in functions)}")


def _check(model, path, batch_size, max_steps):
    if model.stream_dtype != "float32":
        raise ValueError(f"A model must be in float32 for ONNX. Received: {model.stream_dtype}")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"`filepath` must be a new or an empty folder. Received: filepath={str(path)!r}")
    if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
        raise ValueError(f"`batch_size` must be an integer of at least 1, or None. Received: batch_size={batch_size!r}")
    if not isinstance(max_steps, int) or max_steps < 1:
        raise ValueError(f"`max_steps` must be an integer of at least 1. Received: max_steps={max_steps!r}")


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
        with _all_inlined():
            traced.get_concrete_function(*specs)  # which the converter then finds
        handlers: dict[str, tuple[Callable[..., Any], list[Any]]] = {
            name: (_as_where, []) for name in ("Select", "SelectV2")
        }
        tf2onnx.convert.from_function(
            traced, input_signature=specs, opset=OPSET, custom_op_handlers=handlers, output_path=str(path)
        )

    return convert


@contextlib.contextmanager
def _all_inlined() -> Iterator[None]:
    """Let blocks of one form have operations of their own, where one function serves them all otherwise.

    tf2onnx changes the body of a loop as it converts it, and fails at the next loop that has the same.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)  # in a graph, to call a function then is to add its operations
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _as_where(context, node, name, arguments):
    """`tf.where` as ONNX's own: tf2onnx makes sums of products of it, through which NaN comes that was not chosen."""
    del name, arguments
    if context.get_dtype(node.output[0]) == _BOOL:  # which onnxruntime does not choose among
        from tf2onnx.onnx_opset.controlflow import Select

        return Select.version_7(context, node)
    node.type = "Where"
    node.domain = ""
    return node
