"""The end of a run whose validation has stopped getting better."""

from typing import Any

import keras

from keras_iresnet.runs.state.checkpoints import SaveBest


class Patience(keras.callbacks.Callback):
    """Ends training after some epochs without a better validation; which were better, `SaveBest` knows.

    Place it after `SaveBest`, on whose count a run that goes on relies.

    Args:
        epochs: how many, or `None` for no end.
        best: the callback that keeps the best weights.
    """

    def __init__(self, epochs: int | None, best: SaveBest) -> None:
        super().__init__()
        self.epochs, self.best = epochs, best

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        if self.epochs is not None and epoch + 1 - (self.best.epoch or 0) >= self.epochs:
            self.model.stop_training = True
