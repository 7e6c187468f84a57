"""Keras layers: invertible ones, and the spectrally normalised ones that make them so."""

from keras_iresnet.layers.act_norm import ActNorm
from keras_iresnet.layers.activations import LipschitzActivation
from keras_iresnet.layers.branch import Branch, ConvBranch, DenseBranch
from keras_iresnet.layers.center import Center
from keras_iresnet.layers.chain import Chain
from keras_iresnet.layers.factor_out import FactorOut
from keras_iresnet.layers.flatten import Flatten
from keras_iresnet.layers.gaussianize import Gaussianize
from keras_iresnet.layers.injective_pad import InjectivePad
from keras_iresnet.layers.invertible import InverseReport, InvertibleLayer, NotConvergedError
from keras_iresnet.layers.logit import Logit
from keras_iresnet.layers.residual_block import InvertibleResidualBlock
from keras_iresnet.layers.spectral_conv2d import SpectralConv2D
from keras_iresnet.layers.spectral_dense import SpectralDense
from keras_iresnet.layers.spectral_norm import converge_power_iterations
from keras_iresnet.layers.squeeze import Squeeze

__all__ = [
    "ActNorm",
    "Branch",
    "Center",
    "Chain",
    "ConvBranch",
    "DenseBranch",
    "FactorOut",
    "Flatten",
    "Gaussianize",
    "InjectivePad",
    "InverseReport",
    "InvertibleLayer",
    "InvertibleResidualBlock",
    "LipschitzActivation",
    "Logit",
    "NotConvergedError",
    "SpectralConv2D",
    "SpectralDense",
    "Squeeze",
    "converge_power_iterations",
]
