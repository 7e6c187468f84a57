"""Layers, and bijectors of them, that the tests of the bijector share."""

import numpy as np
import oracles
import tensorflow as tf
import tensorflow_probability as tfp

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain, ConvBranch, DenseBranch, FactorOut, InvertibleResidualBlock, Squeeze

tfb, tfd = tfp.bijectors, tfp.distributions
EXACT = ki.ExactLogDet()


def points_layer(dtype="float64", **options):
    block = InvertibleResidualBlock(DenseBranch((8,), dtype=dtype), estimator=EXACT, dtype=dtype, **options)
    return Chain([ActNorm(dtype=dtype), block], dtype=dtype)


def images_layer(dtype="float64"):
    def block():
        branch = ConvBranch(6, dtype=dtype)
        return InvertibleResidualBlock(branch, estimator=ki.SeriesLogDet(25), dtype=dtype)

    inner = Chain([Squeeze(dtype=dtype), block()], dtype=dtype)
    return Chain([Squeeze(dtype=dtype), block(), FactorOut(inner, dtype=dtype)], dtype=dtype)


def view(layer, event_shape, **options):
    bijector = ki.InvertibleResNetBijector(layer, event_shape=event_shape, **options)
    oracles.leave_identity(layer)
    return bijector


def normal(size, dtype="float64", batch=()):
    return tfd.MultivariateNormalDiag(tf.zeros((*batch, size), dtype), tf.ones((*batch, size), dtype))


def data(*shape, dtype="float64"):
    return tf.constant(np.random.default_rng(1).normal(size=shape).astype(dtype))
