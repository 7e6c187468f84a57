"""What is left to say, and to keep, of a training whose numbers became infinite or NaN."""

import contextlib
import math
import pathlib

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.data import Stream
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.schedule import Pace, steps_taken
from keras_iresnet.runs.state import snapshot
from keras_iresnet.runs.state.broken_layer import broken_layer, not_finite
from keras_iresnet.runs.state.state_file import read_state

SHOWN = 3  # weights that are named where the layer was not found


def account(model: keras.Model, run: RunFolder | None, stream: Stream, pace: Pace) -> str:
    """Sentences that name the layer in which a training diverged, and the state that is good still.

    The steps since that state are taken once more, each looked at: weights and batches come again to the bit, on one
    device. The model is left as it was before the step that broke it.

    Args:
        model: as the training left it.
        run: its folder, or `None` for a worker that has none.
        stream: the training's batches.
        pace: its schedule.
    """
    broken, last = not_finite(model.trainable_weights), pace.step
    found = _good_state(run)
    sentences = []
    if found is not None and model.distribute_strategy.num_replicas_in_sync == 1:
        snapshot.put(model, found[1])
        with contextlib.suppress(ValueError, tf.errors.OpError):  # a search that fails must not hide what it is about
            sentences += _replayed(model, stream, pace, last)
    if not sentences and broken:
        more = f" and {len(broken) - SHOWN} more" if len(broken) > SHOWN else ""
        sentences.append(f"Not finite are {', '.join(broken[:SHOWN])}{more}.")
    if found is not None:
        sentences.append(f"{found[0]} is the last good state.")
    return " ".join(sentences)


def _good_state(run: RunFolder | None) -> tuple[pathlib.Path, dict[str, np.ndarray]] | None:
    """The newest whole state of a run, and its arrays without those of the best weights."""
    for path in [] if run is None else run.states():
        try:
            arrays, _ = read_state(path)
        except (ValueError, OSError):
            continue
        return path, {name: array for name, array in arrays.items() if not name.startswith("best/")}
    return None


def _replayed(model, stream, pace, last):
    """A sentence on the first step that breaks something, up to step `last`; none where none does."""
    first = steps_taken(model)
    for step, batch in enumerate(stream.at(step=first).take(last - first + 1), first):
        pace.step = step
        pace.on_train_batch_begin(step)
        before = snapshot.take(model)
        loss = model.train_on_batch(*(batch if isinstance(batch, tuple) else (batch,)), return_dict=True)["loss"]
        if not math.isfinite(loss) or not_finite(model.trainable_weights):
            snapshot.put(model, before)
            where = broken_layer(model, batch) or "the optimizer's step, of gradients that are finite"
            snapshot.put(model, before)
            return [f"It began at step {step + 1} with {where}."]
    return []
