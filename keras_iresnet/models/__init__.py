"""Keras models: flows for densities and samples."""

from keras_iresnet.models.flow import Flow
from keras_iresnet.models.likelihood import BitsPerDim, Nats, NegativeLogLikelihood

__all__ = ["BitsPerDim", "Flow", "Nats", "NegativeLogLikelihood"]
