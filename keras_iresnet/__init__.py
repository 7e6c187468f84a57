"""Invertible residual networks in Keras 3 and TensorFlow."""

import os

# Before Keras is imported: the import itself fails where the other backend is not installed.
_backend = os.environ.get("KERAS_BACKEND", "tensorflow")
if _backend == "tensorflow":
    import keras

    _backend = keras.backend.backend()
if _backend != "tensorflow":
    raise ImportError(
        "keras_iresnet needs the TensorFlow backend of Keras: set KERAS_BACKEND=tensorflow. "
        f"Received: KERAS_BACKEND={_backend}"
    )

from keras_iresnet import layers, models, priors, zoo
from keras_iresnet.evaluation.bits_per_dim import evaluate_bits_per_dim
from keras_iresnet.evaluation.certificate import certify
from keras_iresnet.models import Classifier, Flow
from keras_iresnet.ops.fixed_point import FixedPointResult, fixed_point
from keras_iresnet.ops.log_det import BackpropSeriesLogDet, ExactLogDet, SeriesLogDet

__all__ = [
    "BackpropSeriesLogDet",
    "Classifier",
    "ExactLogDet",
    "FixedPointResult",
    "Flow",
    "InvertibleResNetBijector",
    "SeriesLogDet",
    "certify",
    "evaluate_bits_per_dim",
    "fixed_point",
    "layers",
    "models",
    "priors",
    "zoo",
]


def __getattr__(name):
    if name == "InvertibleResNetBijector":  # TFP takes seconds to import, and most programs do without it
        from keras_iresnet.bijector import InvertibleResNetBijector

        return InvertibleResNetBijector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
