"""Checkpoints that an interruption cannot spoil."""

import math

import keras


class SaveLast(keras.callbacks.Callback):
    """Saves the state of training, raw weights and optimizer, after every epoch.

    Place it before `keras.callbacks.SwapEMAWeights`, which puts averages in the weights' place.

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

    Place it after `keras.callbacks.SwapEMAWeights`.

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
