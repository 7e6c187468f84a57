"""Brings sigma to the norm of the kernels whenever a model that is being fitted is about to be relied on."""

from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.spectral.spectral_layer import converge_power_iterations


def with_convergence(callbacks: Any) -> list[keras.callbacks.Callback]:
    """What `fit` takes as `callbacks`, with `ConvergePowerIterations` before all others."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks  # Keras makes a list of its own of them, for the model
    return [ConvergePowerIterations(), *tf.nest.flatten(callbacks or [])]


class ConvergePowerIterations(keras.callbacks.Callback):
    """Converges sigma before it is relied on: a running estimate is below the norm (see `power_iteration`)."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._converged = False

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._converge()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._converge()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        if self.model.optimizer.use_ema:  # Keras has just put the averages in the weights' place
            converge_power_iterations(self.model)

    def _converge(self):
        if not self._converged:
            converge_power_iterations(self.model)
            self._converged = True
