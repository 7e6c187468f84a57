"""Keras layers: invertible ones, in families, and the spectrally normalised ones that make them so.

Knows `ops` alone; users and all other rooms import its names from here, not from the families.
"""

from keras_iresnet.layers.blocks.branch_block import BranchBlock
from keras_iresnet.layers.blocks.implicit_block import ImplicitBlock
from keras_iresnet.layers.blocks.monotone_block import MonotoneBlock
from keras_iresnet.layers.blocks.residual_block import InvertibleResidualBlock
from keras_iresnet.layers.branches.activations import LipschitzActivation
from keras_iresnet.layers.branches.branch import Branch, ConvBranch, DenseBranch
from keras_iresnet.layers.branches.concatenation import Concatenation
from keras_iresnet.layers.branches.densenet_branch import DenseNetBranch
from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.composed.chain import Chain
from keras_iresnet.layers.composed.factor_out import FactorOut
from keras_iresnet.layers.composed.inverse import Inverse
from keras_iresnet.layers.elementwise.act_norm import ActNorm
from keras_iresnet.layers.elementwise.center import Center
from keras_iresnet.layers.elementwise.column_ranges import ColumnRanges
from keras_iresnet.layers.elementwise.gaussianize import Gaussianize
from keras_iresnet.layers.elementwise.logit import Logit
from keras_iresnet.layers.inverse_report import InverseReport, NotConvergedError
from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.layers.reshaping.flatten import Flatten
from keras_iresnet.layers.reshaping.injective_pad import InjectivePad
from keras_iresnet.layers.reshaping.permute_channels import PermuteChannels
from keras_iresnet.layers.reshaping.squeeze import Squeeze
from keras_iresnet.layers.spectral.spectral_conv2d import SpectralConv2D
from keras_iresnet.layers.spectral.spectral_dense import SpectralDense
from keras_iresnet.layers.spectral.spectral_layer import converge_power_iterations
from keras_iresnet.layers.variational_dequantizer import VariationalDequantizer

__all__ = [
    "ActNorm",
    "Branch",
    "BranchBlock",
    "Carried",
    "Center",
    "Chain",
    "ColumnRanges",
    "Concatenation",
    "ConvBranch",
    "DenseBranch",
    "DenseNetBranch",
    "FactorOut",
    "Flatten",
    "Gaussianize",
    "ImplicitBlock",
    "InjectivePad",
    "Inverse",
    "InverseReport",
    "InvertibleLayer",
    "InvertibleResidualBlock",
    "LipschitzActivation",
    "Logit",
    "MonotoneBlock",
    "NotConvergedError",
    "PermuteChannels",
    "SpectralConv2D",
    "SpectralDense",
    "Squeeze",
    "VariationalDequantizer",
    "converge_power_iterations",
]
