"""Trains a model of the zoo into a run folder."""

import datetime
import math
import shlex
import time
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from keras_iresnet import data
from keras_iresnet.training import devices as device_names
from keras_iresnet.training import provenance
from keras_iresnet.training.checkpoints import SaveBest, SaveLast, UseAverages
from keras_iresnet.training.optimizers import make_optimizer
from keras_iresnet.training.progress import ProgressBar, console
from keras_iresnet.training.run_folder import RunFolder, default_path
from keras_iresnet.training.schedule import Budget, Pace, total_steps
from keras_iresnet.training.settings import resolve
from keras_iresnet.training.task import task_of
from keras_iresnet.training.tensorboard import ScalarLog

_ENDLESS = 10**6  # epochs, where the clock or a number of steps ends the run


def train(
    name: str,
    out=None,
    *,
    data_dir: str | None = None,
    overrides: Mapping | None = None,
    devices: Sequence[str] | None = None,
    deterministic: bool = False,
    progress: bool = True,
) -> dict:
    """Train a model by its recipe, evaluate its best checkpoint on the test split, draw what there is to see.

    Sets the global random seed to the recipe's.

    Args:
        name: a name of `zoo.list()`.
        out: folder of the run, new or empty; `runs/NAME-<date-time>` by default.
        data_dir: TFDS data directory.
        overrides: field of the recipe or keyword of the builder -> value, such as `{"minutes": 5}`; see `resolve`.
        devices: such as `["GPU:0", "GPU:1"]`; all visible GPUs by default.
        deterministic: whether every operation must give the same result each time, at a cost in speed. TensorFlow
            has no way back: it holds for the rest of the process.
        progress: whether to show it, on standard error.

    Returns:
        What metrics.json holds: flat, units in the names.

    Raises:
        ValueError: unknown model, field or device, or a value that cannot be, or a folder that holds something.
        OSError: the folder cannot be written, the data cannot be read.
        FloatingPointError: the loss became infinite or NaN.
    """
    started = time.monotonic()
    settings = resolve(name, overrides)
    recipe, task = settings.recipe, task_of(name)
    scope = device_names.scope(devices)
    run = RunFolder.create(default_path(name) if out is None else out)
    shown = console(progress)
    keras.utils.set_random_seed(recipe.seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    splits = data.load(recipe.dataset, data_dir=data_dir, seed=recipe.seed, labels=task.labels)
    batches = _training_batches(splits, recipe)
    model = _prepare(settings, task, splits, scope, shown)
    run.write_json(run.config, _config(settings, splits, _command(settings, data_dir, devices, deterministic)))
    figures = _fit(model, task, recipe, batches, splits, run, shown)
    # Written after each stage: a run of hours must not lose what it knows to a failing picture.
    run.write_json(run.metrics, figures)
    shown.print("Evaluating the best checkpoint on the test split ...")
    figures |= task.final_figures(model, splits, seed=recipe.seed, progress=progress)
    run.write_json(run.metrics, figures)
    shown.print("Drawing ...")
    task.draw(model, splits, run, seed=recipe.seed)
    figures |= {"total_seconds": round(time.monotonic() - started, 1)}
    run.write_json(run.metrics, figures)
    return figures


def _training_batches(splits, recipe):
    return data.batches(
        splits.train,
        recipe.batch_size,
        shuffle=True,
        seed=recipe.seed,
        drop_remainder=True,
        augmentation=recipe.augmentation,
    )


def _prepare(settings, task, splits, scope, shown):
    """A built, compiled and initialised model."""
    recipe = settings.recipe
    kind = "points" if splits.bins is None else "images"
    shown.print(f"{splits.name}: {len(splits.train):,} {kind} to train on, {len(splits.validation):,} to validate")
    shown.print(f"Building {settings.name} ...")
    with scope:
        model = settings.build()
        task.check_fit(model, splits)
        model.compile(make_optimizer(recipe, model))
        first = next(iter(splits.train.batch(recipe.initialization_batch)))
        first = first[0] if task.labels else first
        shown.print(f"Initialising from {len(first):,} {kind} ...")
        model.initialize(first)
    return model


def _fit(model, task, recipe, batches, splits, run, shown):
    """Train, and leave the best weights in the model; returns what the run cost and how good its validation was."""
    validation = data.batches(splits.validation, 4 * recipe.batch_size)  # larger ones go faster, and no tape needs room
    metric = task.metric(model)
    steps = total_steps(recipe, len(batches))
    epochs = _ENDLESS if math.isinf(steps) else math.ceil(steps / len(batches))
    budget = Budget(steps, recipe.minutes)
    pace, best, bar = Pace(recipe, budget), SaveBest(run, "val_" + metric), ProgressBar(budget, metric, shown)
    averaging = [] if recipe.ema_momentum is None else [UseAverages()]
    callbacks = [pace, SaveLast(run), *averaging, best, *_logs(task, recipe, splits, run), bar]
    try:
        history = model.fit(
            batches, validation_data=validation, epochs=epochs, callbacks=callbacks, shuffle=False, verbose=0
        )
    finally:
        bar.stop()
    return {
        "parameters": sum(weight.shape.num_elements() for weight in model.trainable_weights),
        "epochs": len(history.epoch),
        "steps": pace.step,
        "train_seconds": round(budget.elapsed, 1),
        "best_epoch": best.epoch,
        **task.best(model, best.value),
    }


def _logs(task, recipe, splits, run):
    """What writes the history, for a reader and for TensorBoard."""
    # A folder of its own: TensorBoard reads the newest file of a folder alone.
    writer = tf.summary.create_file_writer(str(run.tensorboard / "epochs"))
    logs = [keras.callbacks.CSVLogger(run.history), ScalarLog(run.tensorboard, recipe.log_steps)]
    return logs + task.callbacks(recipe, splits, writer)


def _config(settings, splits, command):
    sizes = {split: len(getattr(splits, split)) for split in ("train", "validation", "test")}
    return {
        "name": settings.name,
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command,
        "recipe": settings.recipe_fields(),
        "builder": settings.keywords,
        "data": {"name": splits.name, "event_shape": splits.event_shape, "bins": splits.bins, **sizes},
        "versions": provenance.versions(),
        "package_commit": provenance.package_commit(),
        "project_commit": provenance.project_commit(),
        "machine": provenance.machine(),
    }


def _command(settings, data_dir, devices, deterministic):
    """The command that asks for the same run, whether or not this one came from a shell."""
    words = ["keras-iresnet", "train", settings.name, *settings.options()]
    for option, value in {"--data-dir": data_dir, "--devices": devices and ",".join(devices)}.items():
        words += [option, str(value)] if value is not None else []
    return shlex.join(words + ["--deterministic"] * deterministic)
