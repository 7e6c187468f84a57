"""An option that has no effect is a defect: every field of a recipe changes the plan of a run."""

import contextlib
import dataclasses
import functools
import tempfile

import numpy as np
import pytest

from keras_iresnet import zoo
from keras_iresnet.layers import InvertibleResidualBlock
from keras_iresnet.models import Flow
from keras_iresnet.runs import train
from keras_iresnet.runs.patience import Patience
from keras_iresnet.runs.schedule import Pace, learning_rate
from keras_iresnet.runs.tensorboard import ScalarLog

DIGITS = ("digits_flow", (("batch_size", 256), ("blocks", (1,)), ("channels", 2), ("epochs", 4)))
TOY = ("toy_flow", (("batch_size", 5000), ("blocks", 1), ("epochs", 2), ("units", (4,))))
SGD = (DIGITS[0], (*DIGITS[1], ("optimizer", "sgd")))
CERTIFIED = (DIGITS[0], (*DIGITS[1], ("certify_epochs", 1)))
DROPS = (DIGITS[0], (*DIGITS[1], ("decay", "drop"), ("drop_epochs", (2,))))

# Field -> the run that it is tried on, another value, and the part of the plan that must be another one then.
CASES = {
    "dataset": (TOY, "toy/rings", "data"),
    "augmentation": (DIGITS, "shift", "data"),
    "epochs": (DIGITS, 3, "end"),
    "steps": (DIGITS, 7, "end"),
    "steps_per_epoch": (DIGITS, 2, "end"),
    "minutes": (DIGITS, 0.5, "end"),
    "patience": (DIGITS, 2, "end"),
    "batch_size": (DIGITS, 128, "data"),
    "optimizer": (DIGITS, "adam", "optimizer"),
    "learning_rate": (DIGITS, 0.02, "rates"),
    "momentum": (SGD, 0.5, "optimizer"),
    "nesterov": (SGD, True, "optimizer"),
    "weight_decay": (DIGITS, 0.01, "optimizer"),
    "warmup_steps": (DIGITS, 3, "rates"),
    "warmup_epochs": (DIGITS, 0.5, "rates"),
    "decay": (DIGITS, "constant", "rates"),
    "drop_factor": (DROPS, 0.5, "rates"),
    "drop_epochs": (DROPS, (1, 3), "rates"),
    "clip_norm": (DIGITS, 1.0, "optimizer"),
    "ema_momentum": (DIGITS, 0.9, "optimizer"),
    "accumulation_steps": (DIGITS, 2, "optimizer"),
    "precision": (DIGITS, "mixed_bfloat16", "computation"),
    "jit": (DIGITS, True, "computation"),
    "remat": (DIGITS, True, "computation"),
    "validation_examples": (DIGITS, 10, "validation"),
    "initialization_batch": (DIGITS, 64, "weights"),
    "log_steps": (DIGITS, 3, "callbacks"),
    "diagnostics": (DIGITS, True, "callbacks"),
    "certify_epochs": (DIGITS, 2, "callbacks"),
    "certify_action": (CERTIFIED, "stop", "callbacks"),
    "seed": (DIGITS, 1, "data"),
}


class _PlannedError(Exception):
    """Ends a run where its training would begin."""


def _plan(run, **change):
    """What `train` hands to Keras: part -> something to compare."""
    name, base = run
    found = {}

    def fit(flow, batches, *, epochs, steps_per_epoch, validation_data, callbacks, **_):
        found.update(_parts(flow, batches, epochs, steps_per_epoch, callbacks))
        found["validation"] = sum(len(batch) for batch in validation_data)
        raise _PlannedError

    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as folder,
        contextlib.suppress(_PlannedError),
    ):
        patch.setattr(Flow, "fit", fit)
        train(name, folder, overrides={**dict(base), **change}, progress=False)
    return found


def _parts(flow, batches, epochs, steps_per_epoch, callbacks):
    pace = next(callback for callback in callbacks if isinstance(callback, Pace))
    patience = next(callback for callback in callbacks if isinstance(callback, Patience))
    log = next(callback for callback in callbacks if isinstance(callback, ScalarLog))
    steps = range(4 * steps_per_epoch)
    rates = [learning_rate(pace.recipe, step, pace.budget.fraction(step), steps_per_epoch) for step in steps]
    blocks = [layer for layer in flow._flatten_layers() if isinstance(layer, InvertibleResidualBlock)]
    return {
        "data": np.asarray(next(iter(batches))).tobytes(),
        "end": (epochs, pace.budget.total_steps, pace.budget.minutes, patience.epochs),
        "optimizer": _described(flow.optimizer),
        "rates": rates,
        "computation": (flow.jit_compile, [(block.remat, block.branch.dtype_policy.name) for block in blocks]),
        "callbacks": (
            [(type(callback).__name__, getattr(callback, "action", None)) for callback in callbacks],
            log.update_freq,
        ),
        "weights": [weight.numpy().tobytes() for weight in flow.trainable_weights],
    }


def _described(optimizer):
    """Class and settings; names are numbered, and the rate is a part of its own."""
    kept = {key: value for key, value in optimizer.get_config().items() if key not in ("name", "learning_rate")}
    return type(optimizer).__name__, kept


_base_plan = functools.cache(_plan)


def test_a_plan_is_the_same_each_time():
    assert _plan(DIGITS) == _base_plan(DIGITS)


def test_every_field_is_tried():
    fields = {field.name for field in dataclasses.fields(zoo.Recipe)}
    assert set(CASES) == fields


@pytest.mark.parametrize("field", CASES)
@pytest.mark.sweep(3)
def test_field_has_an_effect(field):
    run, value, part = CASES[field]
    assert _plan(run, **{field: value})[part] != _base_plan(run)[part]


def test_seed_draws_other_weights():
    assert _plan(DIGITS, seed=1)["weights"] != _base_plan(DIGITS)["weights"]


def test_averages_are_used_where_they_are_kept():
    assert "UseAverages" in dict(_plan(DIGITS, ema_momentum=0.9)["callbacks"][0])
    assert "UseAverages" not in dict(_base_plan(DIGITS)["callbacks"][0])
