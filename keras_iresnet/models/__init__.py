"""Keras models: flows for densities and samples, classifiers whose features give the image back, both in one.

Knows `priors`, `optimizers`, `layers` and `ops`; imported by `zoo` and what lies above it, and by users.
"""

from keras_iresnet.models.classifier import Classifier, Inversion
from keras_iresnet.models.flow import Flow
from keras_iresnet.models.hybrid import Hybrid
from keras_iresnet.models.labels import ErrorPercent
from keras_iresnet.models.likelihood import BitsPerDim, Nats, NegativeLogLikelihood

__all__ = [
    "BitsPerDim",
    "Classifier",
    "ErrorPercent",
    "Flow",
    "Hybrid",
    "Inversion",
    "Nats",
    "NegativeLogLikelihood",
]
