"""Models as SavedModels that TensorFlow alone can run."""

import contextlib
import os
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.models.files.replacing import replacing_folder

Signature = tuple[Callable[..., tf.Tensor], list[tf.TensorSpec]]  # a function, and its inputs, named as its arguments


def export_signatures(model: keras.Model, signatures: dict[str, Signature], filepath: Any, *, verbose: bool) -> None:
    """Write a SavedModel of a model that can be asked for these, by name; `verbose` prints what it can be asked."""
    archive = keras.export.ExportArchive()
    archive.track(model)
    for name, (function, specs) in signatures.items():
        archive.add_endpoint(name, function, specs)
    # Of another file system, such as gs://BUCKET/NAME, TensorFlow alone knows how to write to it.
    elsewhere = "://" in os.fspath(filepath)
    with contextlib.nullcontext(filepath) if elsewhere else replacing_folder(filepath) as folder:
        archive.write_out(folder, verbose=False)  # Keras lists every captured weight
    if verbose:
        print(f"Saved in {os.fspath(filepath)}, for TensorFlow alone:")
        for name, (_, specs) in signatures.items():
            print(f"  {name}({', '.join(map(_described, specs))})")


def _described(spec):
    sides = ", ".join("batch" if side is None else str(side) for side in spec.shape)
    return f"{spec.name} ({sides}) {spec.dtype.name}"


def flow_signatures(flow: keras.Model) -> dict[str, Signature]:
    """What a flow's SavedModel can be asked for."""
    seed, n = (tf.TensorSpec((), "int32", name) for name in ("seed", "n"))
    condition = []
    if flow.condition_size is not None:
        condition = [tf.TensorSpec((None, flow.condition_size), flow.stream_dtype, "condition")]
    return {
        "log_prob": (_log_prob(flow, condition), [_examples(flow), seed, *condition]),
        "sample": (_sample(flow, condition), [n, seed, *condition]),
    }


def classifier_signatures(classifier: keras.Model) -> dict[str, Signature]:
    """What a classifier's SavedModel can be asked for."""
    return probability_signature(classifier) | {
        "features": (lambda x: classifier.features(x, training=False), [_examples(classifier)])
    }


def probability_signature(model: keras.Model) -> dict[str, Signature]:
    """`predict_proba` of anything that has logits."""
    return {"predict_proba": (lambda x: tf.nn.softmax(model.logits(x)), [_examples(model)])}


def _examples(model):
    """Examples as the model's `fit` takes them."""
    dtype = model.stream_dtype if model.bins is None else "uint8" if model.bins <= 256 else "int32"
    return tf.TensorSpec((None, *model.event_shape), dtype, "x")


def _log_prob(flow, conditional):
    """TensorFlow names the inputs after the arguments, so a density without a condition must not have it as one."""
    if conditional:
        return lambda x, seed, condition: flow.log_prob(x, seed, condition=condition)
    return lambda x, seed: flow.log_prob(x, seed)


def _sample(flow, conditional):
    if conditional:
        return lambda n, seed, condition: flow.sample(n, seed, condition=condition)
    return lambda n, seed: flow.sample(n, seed)
