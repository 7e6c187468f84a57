"""Infinity and NaN, in data and where training makes them."""

import dataclasses
import re

import numpy as np
import tensorflow as tf
from fault import Outcome, fault
from frail import LIMIT, known, write_points
from room import saving_each_step, untouched

from keras_iresnet import data
from keras_iresnet.runs import RunFolder, schedule
from keras_iresnet.runs.state.state_file import read_state

BAD = {"NaN": np.nan, "infinity": np.inf, "-infinity": -np.inf}


@fault(
    "numbers",
    names=r"data\.(csv|npy)",
    survives="nothing was begun",
    few=[("csv", "NaN"), ("npy", "infinity")],
    every=[(ending, kind) for ending in ("csv", "npy") for kind in BAD] + [("csv", "1e999")],
)
def data_to_train_on_that_are_not_finite(room, case) -> Outcome:
    """A cell of a table, or of an array, is NaN or infinite; `train --dataset`."""
    ending, kind = case
    folder = room.new()
    write(folder / f"data.{ending}", BAD.get(kind, kind))
    with untouched(folder):
        outcome = room.command("train", "tabular_flow", "--dataset", folder / f"data.{ending}", "--out", folder / "run")
    assert not (folder / "run").exists()
    return outcome


@fault(
    "numbers",
    names=r"data\.npy",
    survives="every file of the run, as it is",
    few=["NaN"],
    every=list(BAD),
)
def data_to_score_that_are_not_finite(room, kind) -> Outcome:
    """A cell of an array is NaN or infinite; `score`."""
    run, file = room.run(), room.new() / "data.npy"
    write(file, BAD[kind])
    with untouched(run.path):
        return room.command("score", run.path, file)


def write(path, value):
    """Write 40 points, of which one is bad."""
    points = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
    if path.suffix == ".npy":
        points[7, 1] = value
        np.save(path, points)
    else:
        cells = [[f"{cell:.6f}" for cell in row] for row in points]
        cells[7][1] = str(value)
        path.write_text("a,b\n" + "".join(",".join(row) + "\n" for row in cells))


@fault(
    "numbers",
    names=r"^The data must be finite\. Received: \S+",
    survives="the weights, as they were",
    few=[("fit", "NaN"), ("fit a data set", "infinity"), ("train_on_batch", "NaN")],
    every=[(call, kind) for call in ("fit", "fit a data set", "predict", "train_on_batch") for kind in BAD],
)
def arrays_that_are_not_finite(room, case) -> Outcome:
    """A cell of an array, or of a batch of a data set, is NaN or infinite; `fit`, `predict`, `train_on_batch`."""
    call, kind = case
    model, points = room.model(), np.zeros((64, 2), "float32") + np.arange(64)[:, None] / 64
    model.compile("adam")
    model.fit(points, epochs=1, verbose=0)
    before = [weight.numpy() for weight in model.trainable_weights]
    points[40, 1] = BAD[kind]
    batches = tf.data.Dataset.from_tensor_slices(points).batch(64)
    calls = {
        "fit": lambda: model.fit(points, epochs=1, verbose=0),
        "fit a data set": lambda: model.fit(batches, epochs=1, verbose=0),
        "predict": lambda: model.predict(points, verbose=0),
        "train_on_batch": lambda: model.train_on_batch(points),
    }
    outcome = room.called(calls[call])
    for weight, kept in zip(model.trainable_weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), kept)
    return outcome


KEPT = "the last good state, with finite weights, which the message names; the best weights so far"


@fault(
    "numbers",
    names=r"the (gradient of .*frail|output of frail)",
    survives=KEPT,
    few=[("gradient", 60), ("output", 60)],
    every=[(broken, row) for broken in ("gradient", "output") for row in range(0, 100, 20)],
)
def a_layer_that_breaks_in_training(room, case) -> Outcome:
    """One example makes a layer's output or its gradient NaN, at the step in whose batch it comes; `train`."""
    broken, row = case
    folder = room.new()
    write_points(folder / "points.npy", row=row)
    with known(folder / "points.npy"), saving_each_step():
        outcome = room.command("train", "frail_flow", "--broken", broken, "--out", folder / "run")
    trained_on = np.stack(list(data.load(folder / "points.npy").train.as_numpy_iterator()))
    if np.abs(trained_on).max() < LIMIT:  # it was held out
        return dataclasses.replace(outcome, unharmed=outcome.status == 0)
    assert_last_state_is_good(RunFolder(folder / "run"), outcome)
    return outcome


def assert_last_state_is_good(run, outcome):
    """Refuse a run whose latest state is not finite, or not the one before the step that broke it."""
    newest = run.states()[0]
    arrays, facts = read_state(newest)
    assert all(np.isfinite(array).all() for name, array in arrays.items() if array.dtype.kind == "f"), newest
    assert f"{newest} is the last good state" in outcome.message.replace("\n", ""), outcome.message
    assert run.state(int(re.search(r"began at step (\d+)", outcome.message)[1]) - 1) == newest
    assert run.best.is_file() == (facts["best_epoch"] is not None)


@fault(
    "numbers",
    names=r"the (gradient|output) of|Not finite are",
    survives=KEPT,
    few=["1e30"],
    every=["1e6", "1e12", "1e30", "3e38"],
)
def a_learning_rate_that_is_too_high(room, rate) -> Outcome:
    """The weights grow beyond all bounds; `train --learning-rate`."""
    run = RunFolder(room.new() / "run")
    words = ["--blocks", "2", "--units", "8", "--epochs", "3", "--steps-per-epoch", "5", "--batch-size", "32"]
    outcome = room.command("train", "toy_flow", *words, "--learning-rate", rate, "--out", run.path)
    assert len(run.states()) >= 1
    for path in run.states():
        assert all(np.isfinite(array).all() for array in read_state(path)[0].values() if array.dtype.kind == "f")
    return outcome


@fault(
    "numbers",
    names=r"Not finite are|those of \S+ are not|the (gradient|output) of",
    survives=KEPT,
    few=[],
    elsewhere="tests/runs/state/test_broken_layer.py",
    every=[1, 3, 5],
)
def a_weight_that_memory_lost(room, step) -> Outcome:
    """A weight in memory becomes NaN after a step; `train`."""
    run, on_train_batch_end = RunFolder(room.new() / "run"), schedule.Pace.on_train_batch_end

    def losing(self, batch, logs=None):
        on_train_batch_end(self, batch, logs)
        if self.step == step:
            weight = self.model.trainable_weights[-1]
            weight.assign(np.full(weight.shape, np.nan))

    schedule.Pace.on_train_batch_end = losing
    try:
        words = ["--blocks", "1", "--units", "8", "--epochs", "2", "--steps-per-epoch", "3", "--batch-size", "32"]
        with saving_each_step():
            outcome = room.command("train", "toy_flow", *words, "--out", run.path)
    finally:
        schedule.Pace.on_train_batch_end = on_train_batch_end
    assert read_state(run.states()[0])[1]["position"]["step"] == (step - 1) % 3
    return outcome
