"""Invertible residual networks in Keras 3 and TensorFlow.

What users need is here, or in `layers`, `priors`, `models` and `zoo`; `docs/architecture.md` says what lies where.
"""

import os
from typing import TYPE_CHECKING, Any

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

from keras_iresnet import baselines, layers, models, priors, zoo
from keras_iresnet.evaluation.bits_per_dim import evaluate_bits_per_dim
from keras_iresnet.evaluation.certificate import certify
from keras_iresnet.evaluation.contraction import contract
from keras_iresnet.layers import NotConvergedError
from keras_iresnet.models import Classifier, Flow, Hybrid
from keras_iresnet.ops.fixed_point import FixedPointResult, fixed_point
from keras_iresnet.ops.log_det import BackpropSeriesLogDet, ExactLogDet, MixedSeriesLogDet, SeriesLogDet
from keras_iresnet.ops.roulette import RouletteLogDet

if TYPE_CHECKING:
    from keras_iresnet.bijector import InvertibleResNetBijector

    __version__: str

__all__ = [
    "BackpropSeriesLogDet",
    "Classifier",
    "ExactLogDet",
    "FixedPointResult",
    "Flow",
    "Hybrid",
    "InvertibleResNetBijector",
    "MixedSeriesLogDet",
    "NotConvergedError",
    "RouletteLogDet",
    "SeriesLogDet",
    "__version__",
    "baselines",
    "certify",
    "contract",
    "evaluate_bits_per_dim",
    "fixed_point",
    "layers",
    "models",
    "priors",
    "zoo",
]


def __getattr__(name: str) -> Any:
    if name == "InvertibleResNetBijector":  # TFP takes seconds to import, and most programs do without it
        from keras_iresnet.bijector import InvertibleResNetBijector

        return InvertibleResNetBijector
    if name == "__version__":
        import importlib.metadata

        return importlib.metadata.version("keras-iresnet")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What completion shows: not what this file imports for itself."""
    return sorted(__all__)
