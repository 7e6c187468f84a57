"""The fitting of a run: batches, callbacks, and the state that it goes on from."""

import contextlib
import math

import keras
import rich.console
import tensorflow as tf

from keras_iresnet import data
from keras_iresnet.evaluation.certification import Certification
from keras_iresnet.models.convergence import failed_solves
from keras_iresnet.runs.machine import devices
from keras_iresnet.runs.patience import Patience
from keras_iresnet.runs.progress import ProgressBar
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.schedule import Budget, Pace, steps_taken, total_steps
from keras_iresnet.runs.settings import Settings
from keras_iresnet.runs.state.checkpoints import SaveBest, UseAverages
from keras_iresnet.runs.state.diverged import account
from keras_iresnet.runs.state.resume import identity
from keras_iresnet.runs.state.save_state import Position, SaveState
from keras_iresnet.runs.tasks.task import Task
from keras_iresnet.runs.tensorboard import ScalarLog

_ENDLESS = 10**6  # epochs, where the clock or a number of steps ends the run


class Fitting:
    """Fits a compiled model on a data set by a recipe, from the start or from a run's latest state.

    Args:
        model: a built and compiled Keras model.
        settings: the run's `Settings`.
        splits: its data.
        task: what the model is trained for, see `task_of`.
        run: the `RunFolder`, or `None` for a worker that leaves writing to the chief.
        shown: console for the progress.

    Raises:
        ValueError: an epoch has no full batch.
    """

    def __init__(
        self,
        model: keras.Model,
        settings: Settings,
        splits: data.Splits,
        *,
        task: Task,
        run: RunFolder | None,
        shown: rich.console.Console,
    ) -> None:
        self.model, self.settings, self.splits = model, settings, splits
        self.task, self.run, self.shown = task, run, shown
        self.metric = task.metric(model)
        recipe = self.recipe = settings.recipe
        examples = splits.stored or splits.train
        self.stream = data.Stream(examples, recipe.batch_size, seed=recipe.seed, augmentation=recipe.augmentation)
        self.steps_per_epoch = recipe.steps_per_epoch or self.stream.steps_per_epoch
        self.budget = Budget(total_steps(recipe, self.steps_per_epoch), recipe.minutes)
        self.pace = Pace(recipe, self.budget)
        self.best = SaveBest(run, "val_" + self.metric)
        self.state = SaveState(run, identity(settings), self.budget, self.best, self.steps_per_epoch)

    def restore(self) -> bool:
        """Go on from the run's latest whole state; `False` where it has none yet."""
        position = self.state.restore(self.model, self.shown.print)
        if position is None:
            return False
        self.budget.spent = position.seconds
        self.shown.print(f"Going on after {steps_taken(self.model):,} steps, in epoch {position.epoch + 1}")
        return True

    def agree(self) -> None:
        """Start where the chief does, with its variables."""
        self.state.start = Position(*devices.agree(self.model, *self.state.start))

    def fit(self) -> dict:
        """Train, and leave the best weights in the model; returns what the run cost and how good its validation was."""
        if self.state.start.finished:
            epochs, failed = self.state.start.epoch, failed_solves(self.model)
            if self.run is not None:  # whose process may have ended between its last state and best.keras
                self.best.set_model(self.model)
                self.best.on_train_end()
        else:
            fitted = self._fit()
            epochs = fitted.epoch[-1] + 1
            # From the history: the model has the count of its best epoch by now.
            failed = {name: fitted.history[name][-1] for name in failed_solves(self.model)}
        return {
            "parameters": sum(weight.shape.num_elements() for weight in self.model.trainable_weights),
            "epochs": epochs,
            "steps": steps_taken(self.model),
            "train_seconds": round(self.budget.elapsed, 1),
            "best_epoch": self.best.epoch,
            **failed,
            **self.task.best(self.model, self.best.value),
        }

    def _fit(self):
        recipe, steps = self.recipe, self.budget.total_steps
        epochs = _ENDLESS if math.isinf(steps) else math.ceil(steps / self.steps_per_epoch)
        # Larger batches go faster, and no tape needs room.
        validation = data.batches(self.splits.validation.take(recipe.validation_examples or -1), 4 * recipe.batch_size)
        averaging = [] if recipe.ema_momentum is None else [UseAverages()]
        bar = ProgressBar(self.budget, self.metric, self.shown)
        patience = Patience(recipe.patience, self.best)
        callbacks = [*self._certification(), self.pace, self.state, *averaging, self.best, patience, *self._logs(), bar]
        batches = self.stream.at(step=self._steps_before)
        try:
            with self.state.heeding_signals(), self._naming_faults():
                return self.model.fit(
                    devices.shared(batches, self.model.distribute_strategy),
                    validation_data=validation,
                    initial_epoch=self.state.start.epoch,
                    epochs=epochs,
                    steps_per_epoch=self.steps_per_epoch,
                    callbacks=callbacks,
                    shuffle=False,
                    verbose=0,
                )
        except FloatingPointError as error:
            bar.stop()
            raise FloatingPointError(f"{str(error).rstrip('.')}. {self._account()}".strip()) from error
        finally:
            bar.stop()
            for log in callbacks:
                if isinstance(log, ScalarLog):
                    log.leave()

    def _account(self):
        """What is to be known of a training that diverged; its best weights are kept."""
        told = account(self.model, self.run, self.stream, self.pace)
        if self.run is None or self.best.epoch is None:
            return told
        self.best.on_train_end()
        return f"{told} {self.run.best} has the best weights, of epoch {self.best.epoch}."

    @property
    def _steps_before(self):
        """Steps that the run had taken where this process begins."""
        return self.state.start.epoch * self.steps_per_epoch + self.state.start.step

    def _naming_faults(self):
        return contextlib.nullcontext() if self.run is None else self.run.naming_faults()

    def _certification(self):
        """Before what saves a state, which is to hold what it mends."""
        if self.recipe.certify_epochs is None:
            return []
        writer = None if self.run is None else tf.summary.create_file_writer(str(self.run.tensorboard / "certificate"))
        return [Certification(every=self.recipe.certify_epochs, action=self.recipe.certify_action, writer=writer)]

    def _logs(self):
        """What writes the history, for a reader and for TensorBoard."""
        if self.run is None:
            return []
        logs = [
            keras.callbacks.CSVLogger(self.run.history, append=True),
            ScalarLog(self.run.tensorboard, self.recipe.log_steps, self._steps_before),
        ]
        # A folder of its own: TensorBoard reads the newest file of a folder alone.
        writer = tf.summary.create_file_writer(str(self.run.tensorboard / "epochs"))
        return logs + self.task.callbacks(self.recipe, self.splits, writer)
