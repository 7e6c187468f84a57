"""Norms of all matrices of one shape by one power iteration.

A small network is bound by its number of operations, and the some fifty that normalise a matrix and differentiate that
are most of what a narrow dense layer costs. Stacked, the matrices of a model share them. (Convolutions do not stack:
TensorFlow has no convolution with a kernel of its own for each image.)
"""

import collections
import dataclasses
import types

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer, shrinkage
from keras_iresnet.ops import maps
from keras_iresnet.ops.power_iteration import power_iteration


def with_norms_together(layer: keras.layers.Layer, carried: Carried) -> Carried:
    """What a pass carries, with the kernels of matrices in `layer` that share shape, `coeff` and `power_iterations`.

    Args:
        layer: any Keras layer; its `SpectralLayer`s are found.
        carried: says whether the vectors advance, which they do once, however often a layer is used in the pass.
    """
    groups = collections.defaultdict(list)
    for inner in dict.fromkeys(layers_in(layer)):
        if isinstance(inner, SpectralLayer) and inner.iterates and inner.built:
            map_type, matrix, _ = inner._norm_operator(inner._raw_kernel())
            if map_type is maps.Dense:
                key = (*matrix.shape, matrix.dtype, inner.coeff, inner.power_iterations, inner.trainable)
                groups[key].append((inner, matrix))
    kernels: dict[SpectralLayer, tf.Tensor] = {}
    for alike in groups.values():
        if len(alike) > 1:
            layers, matrices = zip(*alike, strict=True)
            kernels |= _normalize(layers, matrices, carried.training and layers[0].trainable)
    return dataclasses.replace(carried, kernels=types.MappingProxyType(kernels))


def with_all_kernels(layer: keras.layers.Layer, carried: Carried) -> Carried:
    """What a pass carries, with the kernel of every `SpectralLayer` in `layer`, for one that uses them often."""
    carried = with_norms_together(layer, carried)
    kernels = dict(carried.kernels)
    for inner in dict.fromkeys(layers_in(layer)):
        if isinstance(inner, SpectralLayer) and inner.built and inner not in kernels:
            kernels[inner] = inner.normalized_kernel(carried)
    return dataclasses.replace(carried, kernels=types.MappingProxyType(kernels))


def _normalize(layers, matrices, training):
    """Layers whose operators are matrices of one shape -> their normalised kernels."""
    iterations = layers[0].power_iterations if training else 0
    stacked = tf.stack(matrices)
    vectors = tf.stack([tf.reshape(layer.u, (1, -1)) for layer in layers])
    result = power_iteration(maps.Dense(stacked), vectors, iterations=iterations)
    if training:
        for layer, u in zip(layers, tf.unstack(result.u), strict=True):
            layer.u.assign(tf.reshape(u, layer.u.shape))
    normalized = tf.unstack(stacked * shrinkage(result.sigma, layers[0].coeff)[:, None, None])
    return {layer: tf.reshape(matrix, layer.kernel.shape) for layer, matrix in zip(layers, normalized, strict=True)}
