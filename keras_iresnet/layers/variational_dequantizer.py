"""Noise in the bins of integer images that is learned: a conditional flow in the place of the uniform density."""

import math
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.layers.blocks.branch_block import BranchBlock
from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.invertible import InvertibleLayer, check_invertible, check_layer
from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.ops.replicas import draw_rows
from keras_iresnet.ops.uniform import uniform


@keras.saving.register_keras_serializable(package="keras_iresnet")
class VariationalDequantizer(FullPrecision, keras.layers.Layer):
    """u = sigmoid(F(e; c)) in (0, 1) for logistic noise e and features c of the image k: a density q(u | k).

        log2 P(k) >= E_q[log2 p((k + u) / bins) - log2 q(u | k)] - D log2(bins)
        log q(u | k) = log s(e) - log|det dF/de| - sum log(u (1 - u)),        s the density of e

    With F the identity q is uniform, whose bound it is then; a trained q comes nearer to log2 P(k).

    Args:
        layer: F, an invertible layer over images whose branches take c as their condition: `condition_size` channels of
            the grid that each branch works on.
        context: Keras layer from images, as floats in [-1, 1], to c (batch, height, width, condition_size); sides of
            1, or none of them, for what is the same at every pixel.

    Raises:
        ValueError: `layer` is not invertible or `context` no Keras layer; when built, `layer` changes the shape, or
            what `context` gives does not fit the branches.

    Reference: Ho et al., Flow++, ICML 2019 (arXiv:1902.00275), section 3.1.

    Example:
    >>> import keras
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> block = ki.layers.InvertibleResidualBlock(ki.layers.ConvBranch(4, condition_size=3))
    >>> noise = ki.layers.VariationalDequantizer(block, keras.layers.Conv2D(3, 3, padding="same"))
    >>> u, log_q = noise.draw(tf.zeros((2, 4, 4, 1), tf.uint8), 256, tf.constant([1, 2]), tf.constant([3, 4]))
    >>> u.shape, log_q.shape, bool(tf.reduce_all((0 < u) & (u < 1)))
    (TensorShape([2, 4, 4, 1]), TensorShape([2]), True)
    """

    def __init__(self, layer: InvertibleLayer, context: keras.layers.Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_invertible("layer", layer)
        check_layer("context", context)
        self.layer, self.context = layer, context

    def build(self, input_shape: Shape) -> None:
        """Build both for images (batch, height, width, channels)."""
        for part in (self.layer, self.context):
            if not part.built:
                part.build(tuple(input_shape))
        after = tuple(self.layer.compute_output_shape(tuple(input_shape)))
        if after[1:] != tuple(input_shape)[1:]:
            raise ValueError(f"`layer` must give images of the shape that it takes, {input_shape}. Received: {after}")
        self._check_context(keras.KerasTensor((None, *input_shape[1:]), dtype=self.stream_dtype))

    def _check_context(self, images):
        """Refuse features that some branch cannot take, which TensorFlow would refuse in other words, or broadcast."""
        takers = [
            (layer.branch.condition_size, tuple(layer.input_spec.shape)[1:-1])
            for layer in layers_in(self.layer)
            if isinstance(layer, BranchBlock) and getattr(layer.branch, "condition_size", None) is not None
        ]
        if not takers:
            return
        _, *given, channels = getattr(self.context.compute_output_spec(images), "shape", (None, None))
        for size, grid in takers:
            sides = given or [1] * len(grid)
            fits = len(sides) == len(grid) and all(a in (None, 1, b) for a, b in zip(sides, grid, strict=True))
            if not fits or channels != size:
                raise ValueError(
                    f"`context` must give `condition_size` channels on the grid of each branch, {(None, *grid, size)}. "
                    f"Received: {self.context.name}, which gives {(None, *given, channels)} for images of "
                    f"{tuple(images.shape)[1:]}"
                )

    def call(self, images: tf.Tensor, bins: int = 256) -> tf.Tensor:
        """Noise for images, of a fixed seed: (batch, height, width, channels)."""
        return self.draw(images, bins, tf.constant([0, 0]), tf.constant([0, 1]))[0]

    def draw(
        self, images: tf.Tensor, bins: int, noise_seed: tf.Tensor, probe_seed: tf.Tensor, *, carried: Any = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Noise u and log q(u | images).

        Args:
            images: (batch, height, width, channels), integers in [0, bins).
            bins: values of a pixel.
            noise_seed: (2,), of e.
            probe_seed: (2,), of the probes of log-determinants.
            carried: how the pass is meant; its seed and condition are set here.

        Returns:
            (batch, height, width, channels), inside the bins by the rounding of the dtype, and (batch,) nats.
        """
        dtype = tf.as_dtype(self.stream_dtype)
        if not self.built:
            self.build(tuple(images.shape))
        share = draw_rows(lambda shape: uniform(shape, noise_seed, dtype), tf.shape(images))
        share = share + 2.0 ** -(25 if dtype == tf.float32 else 54)  # in the middle of its rounding, so never 0
        start = tf.math.log(share) - tf.math.log1p(-share)
        log_start = tf.math.log(share) + tf.math.log1p(-share)  # of the logistic density there
        centred = tf.cast(images, dtype) * (2 / (bins - 1)) - 1 if bins > 1 else tf.zeros_like(start)
        condition = tf.cast(self.context(centred), dtype)
        carried = Carried() if carried is None else carried
        y, log_det = self.layer._forward(start, carried.with_noise(probe_seed, condition))
        edge = bins * float(np.finfo(dtype.as_numpy_dtype).eps)
        inside = tf.sigmoid(y)
        log_slope = math.log1p(-2 * edge) - tf.nn.softplus(y) - tf.nn.softplus(-y)
        log_q = tf.reduce_sum(log_start - log_slope, [1, 2, 3]) - log_det
        return edge + (1 - 2 * edge) * inside, log_q

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the images."""
        return tuple(input_shape)

    def compute_output_spec(self, images: keras.KerasTensor, bins: int = 256) -> keras.KerasTensor:
        """Shape and dtype of the noise."""
        del bins
        return keras.KerasTensor(images.shape, dtype=self.stream_dtype)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("layer", "context")}
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild both parts from their configs."""
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("layer", "context")}
        return cls(**{**config, **parts})
