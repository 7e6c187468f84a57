"""What TensorBoard gets while a model trains: Keras's scalars with the learning rate, and pictures and diagnostics."""

import os
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import StepwiseTensorBoard, layers_in
from keras_iresnet.evaluation import pictures
from keras_iresnet.evaluation.reconstruction import round_trip
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.models import Flow

EXAMPLES = 16  # in a picture, and for the inverse's figures
SECONDS_BETWEEN = 60  # between two sets of pictures,
SHARE_OF_TIME = 0.02  # which may not take more than this share of the training


class ScalarLog(StepwiseTensorBoard):
    """Keras's TensorBoard callback, with the learning rate of single steps.

    Loss and metrics are the means over the epoch so far, as Keras has them.

    Args:
        folder: where TensorBoard looks.
        log_steps: steps between two entries.
        first: steps that were taken before.
    """

    def __init__(self, folder: str | os.PathLike, log_steps: int, first: int = 0) -> None:
        super().__init__(folder, write_graph=False, update_freq=log_steps)
        self._steps = first

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        super().on_train_begin(logs)
        self.count_from(self._steps)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._steps += 1
        if self._steps % self.update_freq == 0:  # Keras records these steps alone
            rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
            super().on_train_batch_end(batch, {**(logs or {}), "learning_rate": float(rate)})


class Pictures(keras.callbacks.Callback):
    """Grids of samples and of reconstructions, at the ends of epochs, once a minute at most.

    Args:
        writer: a `tf.summary` writer.
        images: (n, height, width, channels) integers that are not trained on.
        condition: theirs, for a flow of p(x | c); samples are drawn of the same.
        clock: seconds, as `time.monotonic` counts them.
    """

    def __init__(
        self, writer: Any, images: np.ndarray, condition: Any = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self.writer, self.images, self.condition, self._clock = writer, images, condition, clock
        self._due = np.inf

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._due = self._clock() + SECONDS_BETWEEN

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        started = self._clock()
        if started < self._due:
            return
        flow = self.model
        samples = flow.sample(len(self.images), seed=0, on_failure="ignore", condition=self.condition)
        inversion = round_trip(flow, self.images, seed=0, condition=self.condition)
        with self.writer.as_default(step=epoch):
            _write_grid("samples", flow.to_images(samples).numpy(), flow.bins)
            _write_grid(
                "reconstructions",
                pictures.paired(self.images, inversion.examples, flow.bins),
                flow.bins,
                pictures.PAIRED_COLUMNS,
            )
        now = self._clock()
        self._due = now + max(SECONDS_BETWEEN, (now - started) / SHARE_OF_TIME)


class Diagnostics(keras.callbacks.Callback):
    """The norm of every layer, the gradient's norm, and steps and residual of an inverse that there is, each epoch.

    Norms are converged (and of the averaged weights, where validation uses those), before the normalisation by `coeff`.

    Args:
        writer: a `tf.summary` writer.
        examples: (n, *event) that are not trained on: integer images or points.
        labels: (n,), for a classifier.
        condition: of the examples, for a flow of p(x | c).
    """

    def __init__(self, writer: Any, examples: np.ndarray, labels: Any = None, *, condition: Any = None) -> None:
        super().__init__()
        self.writer, self.examples, self.labels, self.condition = writer, examples, labels, condition
        self._gradient_norm: Callable[..., tf.Tensor] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        if self._gradient_norm is None:  # compiled once, after the training step
            self._gradient_norm = gradient_norm_function(self.model, self.labels, self.condition)
        scalars = sigmas(self.model) | {"gradient_norm": self._gradient_norm(tf.constant(self.examples))}
        if getattr(self.model, "has_inverse", True):  # a flow always has one
            found = round_trip(self.model, self.examples, seed=0, condition=self.condition).figures
            scalars |= {f"inverse/{name}": value for name, value in found._asdict().items()}
        with self.writer.as_default(step=epoch):
            for name, value in scalars.items():
                tf.summary.scalar(name, value)


def sigmas(model: keras.Model) -> dict:
    """Tag -> norm of every spectrally normalised layer, in order, as its power iteration stands.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.runs.tensorboard import sigmas
    >>> list(sigmas(ki.zoo.toy_flow(blocks=1, units=(4,))))
    ['sigma/000_dense_0', 'sigma/001_dense_1']
    """
    inner = [layer for layer in layers_in(model) if isinstance(layer, SpectralLayer) and layer.coeff is not None]
    inner.reverse()  # Keras gives the last layer first
    return {f"sigma/{i:03d}_{layer.name}": float(layer.sigma()) for i, layer in enumerate(inner)}


def gradient_norm_function(model: keras.Model, labels: Any = None, condition: Any = None) -> Callable[..., tf.Tensor]:
    """A compiled function: examples (batch, *event) -> the gradient's global norm, of the loss in evaluation mode.

    With fixed noise, and without advancing the power iterations: looking changes nothing. A classifier needs the
    examples' labels, a flow of p(x | c) their conditions.
    """
    weights = [weight.value for weight in model.trainable_variables]
    fixed = {"seed": (0, 0)} if isinstance(model, Flow) else {}

    @tf.function(autograph=False)
    def gradient_norm(examples):
        # The sums that Keras keeps of several losses stay as they are too.
        with tf.GradientTape() as tape, keras.StatelessScope():
            if labels is None:
                outputs = model.log_prob(examples, condition=condition, **fixed)
            else:
                outputs = model(examples, training=False, **fixed)
            loss = model.compute_loss(y=labels, y_pred=outputs, training=False)
        return tf.linalg.global_norm(tape.gradient(loss, weights))

    return gradient_norm


def _write_grid(name, images, bins, columns=None):
    tf.summary.image(name, pictures.grid(images, bins, columns)[None])
