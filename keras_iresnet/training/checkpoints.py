"""Checkpoints that an interruption cannot spoil."""

import math

import keras

from keras_iresnet.layers.spectral_norm import converge_power_iterations


class SaveLast(keras.callbacks.Callback):
    """Saves the state of training, raw weights and optimizer, after every epoch.

    Place it before `UseAverages`, which puts averages in the weights' place.

    Args:
        run: the `RunFolder`.
    """

    def __init__(self, run):
        super().__init__()
        self.run = run

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        self.run.save(self.run.last, self.model)


class SaveBest(keras.callbacks.Callback):
    """Saves the weights that evaluation uses whenever the validation improves.

    Place it after `UseAverages`.

    Args:
        run: the `RunFolder`.
        monitor: the log that is to be small.
    """

    def __init__(self, run, monitor):
        super().__init__()
        self.run = run
        self.monitor = monitor
        self.best = math.inf
        self.epoch = None

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        if logs[self.monitor] < self.best:
            self.best, self.epoch = float(logs[self.monitor]), epoch + 1
            self.run.save(self.run.best, self.model)

    def on_train_end(self, logs=None):  # noqa: D102
        if self.epoch is None:
            raise FloatingPointError(
                f"The validation loss must be finite after some epoch. Received: {logs[self.monitor]}"
            )


class UseAverages(keras.callbacks.SwapEMAWeights):
    """Puts the optimizer's averages in the weights' place for validation and for what follows at an epoch's end."""

    def __init__(self):
        super().__init__(swap_on_epoch=True)

    def _swap_variables(self):
        super()._swap_variables()
        converge_power_iterations(self.model)  # the norms of the weights that were there say nothing of these
