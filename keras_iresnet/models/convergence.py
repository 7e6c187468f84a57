"""What accompanies each training: sigma is kept at the norm of the kernels, and what cannot go well is ended."""

import math
import warnings
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.layers.forward_solves import ForwardSolves
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.layers.weight_state import weight_state

SOLVES_EVERY = 50  # steps from one look at solves to the next: each waits for the device, once for each layer


def converge_norms(model: keras.Model) -> None:
    """Converge the norms of a model's layers, if a weight has changed since that was last done.

    A running estimate is below the norm (see `power_iteration`). Layers that are frozen stay as they are, and so do all
    where a kernel is not finite.
    """
    weights = [weight.value for layer in _layers(model) for weight in layer.weights]
    if weight_state(weights) == getattr(model, "_converged_state", None) or not _finite(weights):
        return
    for layer in _layers(model):
        layer.converge()
    take_as_converged(model)


def take_as_converged(model: keras.Model) -> None:
    """Say that the weights were converged before they were put back: to the bit, they are to stay what they were."""
    model._converged_state = weight_state([weight.value for layer in _layers(model) for weight in layer.weights])


def _layers(model):
    return [layer for layer in layers_in(model) if isinstance(layer, SpectralLayer) and layer.trainable]


def with_convergence(callbacks: Any) -> list[keras.callbacks.Callback]:
    """What `fit`, `evaluate` and `predict` take as `callbacks`, each followed by one that converges norms.

    Any of them may change weights, such as `SwapEMAWeights`, and any may save them. What they log of an epoch has the
    count of solves that failed.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks  # Keras makes a list of its own of them, for the model
    found: list[keras.callbacks.Callback] = [WatchSolves(), ConvergeNorms()]
    for callback in tf.nest.flatten(callbacks or []):
        found += [callback, ConvergeNorms()]
    return [*found, ReportDivergence()]


class ConvergeNorms(keras.callbacks.Callback):
    """Calls `converge_norms` where callbacks that come later, or the user, look at the weights next."""

    def _converge(self, *_):
        converge_norms(self.model)

    on_test_begin = on_test_end = on_predict_begin = on_predict_end = on_epoch_end = on_train_end = _converge


def failed_solves(model: keras.Model) -> dict[str, int]:
    """Under the name that logs have, how many forward solves failed in all training; empty if no layer solves any."""
    solving = solving_layers(model)
    return {"failed_solves": sum(round(float(layer.failures)) for layer in solving)} if solving else {}


def solving_layers(model: keras.Model) -> list[ForwardSolves]:
    """The layers of a model whose forward map is solved for."""
    return [layer for layer in layers_in(model) if isinstance(layer, ForwardSolves)]


class WatchSolves(keras.callbacks.Callback):
    """Logs how many forward solves failed in training, and ends one of which too many do.

    A compiled step asserts the latter itself, but not under XLA.

    Raises:
        NotConvergedError: at the end of an epoch, or of `SOLVES_EVERY` steps of one.
    """

    async_safe = True  # Keras need not wait for each step because of this callback

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._solving, self._calls = solving_layers(self.model), 0
        for layer in self._solving:
            layer.forgive_failures()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._calls += 1
        if self._calls % SOLVES_EVERY == 0:
            self._check()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        if logs is not None:
            logs.update(failed_solves(self.model))
        self._check()

    def _check(self):
        for layer in self._solving:
            layer.check_failures()


class ReportDivergence(keras.callbacks.Callback):
    """Ends a training whose loss or weights are no longer finite, after all other callbacks and with its history.

    Raises:
        FloatingPointError: when training ends, unless another callback, such as `TerminateOnNaN`, has ended it; that is
            a warning.
    """

    async_safe = True  # Keras need not wait for each step because of this callback

    def __init__(self) -> None:
        super().__init__()
        self._since: str | None = None
        self._ended_by_another = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        loss = (logs or {}).get("loss", 0.0)
        if self._since is None and not math.isfinite(loss):
            self._since = f"the loss is {float(loss)} since step {batch + 1} of epoch {self._epoch + 1}"

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        if self._since is None and not _finite([weight.value for weight in self.model.trainable_weights]):
            self._since = f"some weights are not since the last steps of epoch {epoch + 1}"
        if self._since is not None:
            self._ended_by_another = self._ended_by_another or self.model.stop_training
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        if self._since is None:
            return
        message = (
            f"Loss and weights must stay finite; {self._since}. Try a lower learning rate, or gradients clipped by "
            "`global_clipnorm`. `model.history` has the epochs."
        )
        if not self._ended_by_another:
            raise FloatingPointError(message)
        warnings.warn(message, stacklevel=2)


def _finite(weights):
    return all(bool(tf.reduce_all(tf.math.is_finite(weight))) for weight in weights if weight.dtype.is_floating)
