"""The flow of a `Workload` with FFJORDs of TensorFlow Probability in the place of residual blocks."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.benchmarks.workload import Workload

_RATE = 1e-4


class FfjordFlow:
    """Squeezes, an FFJORD for each scale, and halves of channels that leave, as `build_flow` has them.

    The field of a scale is what its blocks' branches would be one after the other: the same kernels, with ELU between
    them, so that it has as many parameters, and 3x3 weights for the time in the first kernel of each; a call of all
    fields is the arithmetic of one pass of all branches. All else is TFP's default: Dormand-Prince steps to a relative
    error of 1e-3, Hutchinson's estimator with one probe for each solve, gradients by the adjoint equation.

    Args:
        workload: its sizes; terms and probes mean nothing here.
        seed: of the weights.

    Reference: Grathwohl et al., ICLR 2019.
    """

    def __init__(self, workload: Workload, seed: int = 0) -> None:
        from tensorflow_probability import bijectors as tfb

        keras.utils.set_random_seed(seed)
        self.workload = workload
        self.calls = 0  # of fields; when run eagerly, each time
        self._shapes = [(workload.size // 2 ** (i + 1),) * 2 + (3 * 2 ** (i + 2),) for i in range(len(workload.blocks))]
        self.networks = [
            [_branch(shape, workload.channels) for _ in range(count)]
            for shape, count in zip(self._shapes, workload.blocks, strict=True)
        ]
        self._solved = [tfb.FFJORD(self._field(network)) for network in self.networks]

    @property
    def variables(self) -> list[tf.Variable]:
        """What is trained."""
        layers = [layer for network in self.networks for branch in network for layer in branch]
        return [weight.value for layer in layers for weight in layer.trainable_variables]

    def _field(self, network):
        """(t, x) -> dx/dt."""

        def field(time, x):
            self.calls += 1
            for branch in network:
                first, second, third = branch
                clock = tf.fill(tf.concat([tf.shape(x)[:-1], [1]], 0), tf.cast(time, x.dtype))
                x = first(tf.concat([tf.nn.elu(x), clock], -1))
                x = third(tf.nn.elu(second(tf.nn.elu(x))))
            return x

        return field

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """x (batch, height, width, channels) -> latents (batch, D) and nats (batch,)."""
        log_det, leaving = tf.zeros(tf.shape(x)[0]), []
        for index, solved in enumerate(self._solved):
            x = tf.nn.space_to_depth(x, 2)
            log_det += solved.forward_log_det_jacobian(x, event_ndims=3)
            x = solved.forward(x)  # TFP keeps what it has just computed
            if index + 1 < len(self._solved):
                away, x = tf.split(x, 2, -1)
                leaving.append(_flat(away))
        return tf.concat([*leaving, _flat(x)], 1), log_det

    def inverse(self, z: tf.Tensor) -> tf.Tensor:
        """Latents (batch, D) -> x."""
        sizes = [math.prod(shape) for shape in self._shapes]
        parts = tf.split(z, [*(size // 2 for size in sizes[:-1]), sizes[-1]], 1)
        x = tf.reshape(parts[-1], (-1, *self._shapes[-1]))
        for index in reversed(range(len(sizes))):
            x = tf.nn.depth_to_space(self._solved[index].inverse(x), 2)
            if index:
                x = tf.concat([tf.reshape(parts[index - 1], x.shape), x], -1)
        return x

    def training_step(self) -> Callable[[], float]:
        """A function that takes one step on a batch of noise, and returns its loss."""
        side = self.workload.size
        shape = (self.workload.batch_size, side, side, 3)
        x = tf.constant(np.random.default_rng(0).random(shape, dtype=np.float32))
        optimizer = keras.optimizers.Adamax(_RATE)
        weights = [w for network in self.networks for branch in network for layer in branch for w in layer.weights]
        optimizer.build(weights)

        @tf.function(autograph=False)
        def step():
            with tf.GradientTape() as tape:
                z, log_det = self.forward(x)
                loss = tf.reduce_mean(0.5 * tf.reduce_sum(z**2, 1) - log_det)
            optimizer.apply(tape.gradient(loss, self.variables))
            return loss

        return lambda: float(step())


def _branch(shape, channels):
    """3x3, 1x1 and 3x3 convolutions, the first of which sees the time beside x."""
    sizes = ((shape[-1] + 1, channels, 3), (channels, channels, 1), (channels, shape[-1], 3))
    layers: list[Any] = []
    for inputs, outputs, side in sizes:
        layers.append(keras.layers.Conv2D(outputs, side, padding="same"))
        layers[-1].build((None, *shape[:-1], inputs))
    return layers


def _flat(x):
    return tf.reshape(x, (-1, math.prod(x.shape[1:])))
