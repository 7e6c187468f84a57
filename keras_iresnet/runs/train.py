"""Trains a model of the zoo into a run folder."""

import contextlib
import datetime
import os
import shlex
import time
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from keras_iresnet.models.base import LAYER_EXAMPLES
from keras_iresnet.models.first_examples import first_examples
from keras_iresnet.runs.fitting import Fitting
from keras_iresnet.runs.machine import devices as device_names
from keras_iresnet.runs.machine import provenance
from keras_iresnet.runs.machine.full_products import keep_float32
from keras_iresnet.runs.machine.threads import settle_threads
from keras_iresnet.runs.progress import console
from keras_iresnet.runs.recipe_optimizer import make_optimizer
from keras_iresnet.runs.run_data import check_unchanged, told
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.state.best_file import begin_with
from keras_iresnet.runs.state.resume import open_run, settings_of, started_with
from keras_iresnet.runs.tasks import task_of
from keras_iresnet.runs.tasks.guarantee import guarantee


@device_names.naming_lost_machines()
def train(
    name: str | None = None,
    out: str | os.PathLike | None = None,
    *,
    resume: str | os.PathLike | None = None,
    init_from: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
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
        resume: folder of a run to go on with, in place of `out`: from its latest whole state, as if it had never been
            interrupted. The settings are the run's; those that are given must agree. With a `name`, a run is started
            where there is none yet, so that one command does for a job that may be started again.
        init_from: folder of a finished run of a model of the same architecture, whose best weights a new run begins
            with, by a recipe of its own: to train longer, or on other data of the same shape. The record names it.
        data_dir: TFDS data directory; by default that of the run in `resume`.
        overrides: field of the recipe or keyword of the builder -> value, such as `{"minutes": 5}`; see `resolve`.
        devices: such as `["GPU:0", "GPU:1"]`; all visible GPUs by default. With several machines in `TF_CONFIG`, each
            runs this; the chief alone writes, evaluates and returns all of the figures.
        deterministic: whether every operation must give the same result each time, at a cost in speed. TensorFlow
            has no way back: it holds for the rest of the process.
        progress: whether to show it, on standard error.

    Returns:
        What metrics.json holds: flat, units in the names.

    Raises:
        ValueError: unknown model, field or device, or a value that cannot be, or a folder that holds something, in
            which another process trains, or whose run cannot go on.
        OSError: the folder cannot be written, the data cannot be read, another machine is gone.
        FloatingPointError: the loss became infinite or NaN.
        NotConvergedError: too many forward solves failed, or one did outside of training.
        TerminatedError: SIGTERM or Ctrl-C came; the state is saved.
    """
    started = time.monotonic()
    settings = settings_of(name, out, resume, overrides)
    task = task_of(settings.name, settings.keywords)
    _check_machines(settings.recipe)
    deterministic = deterministic or bool(started_with(resume, "deterministic"))
    data_dir = data_dir or started_with(resume, "data_dir")
    if init_from is not None:
        init_from = RunFolder.open(init_from).path.absolute()
    init_from = init_from or started_with(resume, "init_from")
    settle_threads()
    keep_float32()
    scope = device_names.scope(devices)
    run = open_run(settings.name, out, resume) if device_names.is_chief() else None
    shown = console(progress and run is not None)
    if run and "total_seconds" in run.read_metrics():
        shown.print(f"The run in {run.path} has ended; a new one begins with its weights by --init-from")
        return run.read_metrics()
    keras.utils.set_random_seed(settings.recipe.seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    with contextlib.ExitStack() as around:
        if run:
            around.enter_context(run.gone_if_refused())
            around.enter_context(run.locked())
        splits = settings.load(data_dir, labels=task.labels)
        if run and run.begun:
            check_unchanged(run.read_config(), splits)
        settings = settings.fitted_to(splits)
        recipe = settings.recipe
        command = _command(settings, data_dir, init_from, devices, deterministic)
        config = _config(settings, splits, command, deterministic, data_dir, init_from)
        fitting, figures = _fit(settings, task, splits, scope, run, shown, config)
        if run is None:
            return figures
        # Written after each stage: a run of hours must not lose what it knows to a failing picture.
        run.write_json(run.metrics, figures)
        figures |= guarantee(fitting.model, splits, task=task, run=run, seed=recipe.seed, shown=shown)
        run.write_json(run.metrics, figures)
        task.complete(fitting.model, splits, run, shown)
        shown.print("Evaluating the best checkpoint on the test split ...")
        figures |= task.final_figures(fitting.model, splits, seed=recipe.seed, progress=progress)
        run.write_json(run.metrics, figures)
        shown.print("Drawing ...")
        task.draw(fitting.model, splits, run, seed=recipe.seed)
        # With the training of the processes that this one goes on from.
        figures |= {"total_seconds": round(fitting.budget.spent + time.monotonic() - started, 1)}
        run.write_json(run.metrics, figures)
    return figures


def _fit(settings, task, splits, scope, run, shown, config):
    """The `Fitting`, whose model has its best weights, and what training cost and reached."""
    recipe, kind = settings.recipe, "points" if splits.bins is None else "images"
    shown.print(f"{splits.name}: {len(splits.train):,} {kind} to train on, {len(splits.validation):,} to validate")
    for line in told(splits.description):
        shown.print(line, markup=False)
    shown.print(f"Building {settings.name} ...")
    with scope:
        _check_replicas(recipe, tf.distribute.get_strategy().num_replicas_in_sync)
        model = settings.build()
        task.check_fit(model, splits)
        model.compile(make_optimizer(recipe, model), jit_compile="auto" if recipe.jit is None else recipe.jit)
        fitting = Fitting(model, settings, splits, task=task, run=run, shown=shown)
        if run and not (run.begun and fitting.restore()):
            _begin(model, recipe, splits, config["init_from"], shown)
        fitting.agree()
    if run:
        _note(run, config)
    return fitting, fitting.fit()


def _begin(model, recipe, splits, init_from, shown):
    """What a run begins with: the weights of another, or what is set from data."""
    if init_from is not None:
        shown.print(f"Beginning with the weights of {init_from} ...", markup=False)
        begin_with(model, RunFolder.open(init_from).best)
        return
    count = recipe.initialization_batch or model.initialization_examples
    first, _ = first_examples(splits.train.batch(min(count, LAYER_EXAMPLES)), count)
    shown.print(f"Initialising from {len(first):,} {'points' if splits.bins is None else 'images'} ...")
    model.initialize(first)


def _check_machines(recipe):
    if device_names.several_machines() and recipe.minutes is not None:
        raise ValueError(
            "`minutes` must be none with several machines in TF_CONFIG, whose clocks would end it at different steps: "
            f"set `epochs` or `steps`. Received: minutes={recipe.minutes}"
        )


def _check_replicas(recipe, replicas):
    if recipe.batch_size % replicas:
        raise ValueError(
            f"`batch_size` must be a multiple of the number of replicas, {replicas}, for examples to count alike. "
            f"Received: batch_size={recipe.batch_size}"
        )
    if replicas > 1 and recipe.accumulation_steps > 1:
        raise ValueError(
            f"`accumulation_steps` must be 1 on several replicas: Keras adds gradients up on one device alone. "
            f"Received: accumulation_steps={recipe.accumulation_steps}, on {replicas} replicas"
        )


def _note(run, config):
    """Write what is run; of a run that goes on, where and by what it does."""
    if run.begun:
        resumed = {key: config[key] for key in ("started", "command", "versions", "package_commit", "machine")}
        config = run.read_config() | {"data_dir": config["data_dir"]}
        config["resumed"] = [*config.get("resumed", []), resumed]
    run.write_json(run.config, config)


def _config(settings, splits, command, deterministic, data_dir, init_from):
    sizes = {split: len(getattr(splits, split)) for split in ("train", "validation", "test")}
    return {
        "name": settings.name,
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command,
        "deterministic": deterministic,
        "data_dir": data_dir and str(data_dir),
        "init_from": init_from and str(init_from),
        "overrides": settings.overrides,
        "recipe": settings.recipe_fields(),
        "builder": settings.keywords,
        "reading": settings.reading.given(),
        "fitted": settings.fitted,
        "data": {
            "name": splits.name,
            "event_shape": splits.event_shape,
            "bins": splits.bins,
            **sizes,
            **splits.description.as_json(),
        },
        "versions": provenance.versions(),
        "package_commit": provenance.package_commit(),
        "project_commit": provenance.project_commit(),
        "machine": provenance.machine(),
    }


def _command(settings, data_dir, init_from, devices, deterministic):
    """The command that asks for the same run, whether or not this one came from a shell."""
    words = ["keras-iresnet", "train", settings.name, *settings.options()]
    given = {"--data-dir": data_dir, "--init-from": init_from, "--devices": devices and ",".join(devices)}
    for option, value in given.items():
        words += [option, str(value)] if value is not None else []
    return shlex.join(words + ["--deterministic"] * deterministic)
