"""Checkpoints that an interruption cannot spoil, and that do not cost a small model half of its time."""

import math
import time

import keras

from keras_iresnet.layers.spectral_norm import converge_power_iterations

SECONDS_BETWEEN = 60  # a checkpoint of many small layers takes seconds, an epoch of small data may take less


class SaveLast(keras.callbacks.Callback):
    """Saves the state of training, raw weights and optimizer: once a minute at an epoch's end, and at the last one.

    Place it before `UseAverages`, which puts averages in the weights' place.

    Args:
        run: the `RunFolder`.
    """

    def __init__(self, run):
        super().__init__()
        self.run = run
        self._timer = _Timer()

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        if self._timer.due or self.model.stop_training or epoch + 1 == self.params["epochs"]:
            self.run.save(self.run.last, self.model)
            self._timer.restart()


class SaveBest(keras.callbacks.Callback):
    """Keeps the weights with the best validation: in memory, in a file once a minute, in the model when training ends.

    Place it after `UseAverages`.

    Args:
        run: the `RunFolder`.
        monitor: the log that is to be small.
    """

    def __init__(self, run, monitor):
        super().__init__()
        self.run = run
        self.monitor = monitor
        self.value = math.inf
        self.epoch = None
        self._weights = None
        self._written = True
        self._timer = _Timer()

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        if logs[self.monitor] < self.value:
            self.value, self.epoch = float(logs[self.monitor]), epoch + 1
            self._weights, self._written = self.model.get_weights(), False
        if not self._written and self._timer.due:
            current = self.model.get_weights()
            self._write()
            self.model.set_weights(current)
            self._timer.restart()

    def on_train_end(self, logs=None):  # noqa: D102
        if self.epoch is None:
            raise FloatingPointError(
                f"The validation loss must be finite after some epoch. Received: {self.monitor}={logs[self.monitor]}"
            )
        self._write()

    def _write(self):
        self.model.set_weights(self._weights)
        if not self._written:
            self.run.save(self.run.best, self.model)
            self._written = True


class UseAverages(keras.callbacks.SwapEMAWeights):
    """Puts the optimizer's averages in the weights' place for validation and for what follows at an epoch's end.

    The average's momentum rises to the optimizer's `ema_momentum` as min(ema_momentum, (1 + t) / (10 + t)) with the
    step t: Keras starts the average at the weights after the first step and never corrects for that, so that at a
    momentum of 0.999 they would still be 60 % of it after 500 steps.
    """

    def __init__(self):
        super().__init__(swap_on_epoch=True)

    def on_train_begin(self, logs=None):  # noqa: D102
        _let_momentum_rise(getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer))

    def _swap_variables(self):
        super()._swap_variables()
        converge_power_iterations(self.model)  # the norms of the weights that were there say nothing of these


def _let_momentum_rise(optimizer):
    """Make a Keras optimizer's average young where the run is.

    On the object rather than in a subclass: whichever optimizer it is, and however a checkpoint brought it back.
    """
    if hasattr(optimizer, "_update_with_rising_momentum"):
        return
    update = optimizer._update_model_variables_moving_average

    def update_with_rising_momentum(variables):
        limit, step = optimizer.ema_momentum, keras.ops.cast(optimizer.iterations, "float32")
        optimizer.ema_momentum = keras.ops.minimum(limit, (1 + step) / (10 + step))
        try:
            update(variables)
        finally:
            optimizer.ema_momentum = limit

    optimizer._update_with_rising_momentum = optimizer._update_model_variables_moving_average = (
        update_with_rising_momentum
    )


class _Timer:
    """Whether `SECONDS_BETWEEN` have passed."""

    def __init__(self):
        self.restart()

    def restart(self):
        self._since = time.monotonic()

    @property
    def due(self):
        return time.monotonic() - self._since >= SECONDS_BETWEEN
