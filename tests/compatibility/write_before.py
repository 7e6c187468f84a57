"""Wrote what this folder holds, at commit 1772550, before the package was laid out anew.

    python tests/compatibility/write_before.py FOLDER

It is kept for the record: it speaks the names of that commit.
"""

import json
import os
import pathlib
import shutil
import signal
import sys

import keras
import numpy as np
from keras_iresnet.training import TerminatedError, train
from sklearn.datasets import load_digits

import keras_iresnet as ki
from keras_iresnet.data import toys

FLOW = {"blocks": (2, 2), "channels": 8, "activation": "elu"}
CASES = {
    "digits_flow": FLOW,
    "digits_flow_of_factors": {**FLOW, "prior_components": 3, "prior_factors": 2},
    "digits_flow_with_fixed_prior": {**FLOW, "prior_components": 3, "trained_prior": False},
    "digits_flow_conditional": {**FLOW, "conditional": True},
    "digits_flow_standard": {**FLOW, "learned_prior": False},
    "toy_flow": {"blocks": 3, "units": (16, 16)},
    "digits_classifier": {"blocks": (2, 2), "channels": 8},
    "hybrid_classifier": {"blocks": (2, 2), "channels": 8},
}


def examples(case):
    """Examples of a case and their labels, or `None` where it takes none."""
    if case == "toy_flow":
        return toys.sample("moons", 200, seed=0), None
    digits = load_digits()
    images, labels = digits.images[:200].astype("uint8")[..., None], digits.target[:200]
    return images, labels if case in ("digits_classifier", "hybrid_classifier", "digits_flow_conditional") else None


def model_of(case):
    """The model of a case, compiled."""
    name = next(name for name in ("toy_flow", "digits_flow", "digits_classifier", "hybrid_classifier") if name in case)
    model = getattr(ki.zoo, name)(**CASES[case], seed=3)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9) if "classifier" in case else "adamax")
    return model


def outputs(model, case):
    """What the model makes of the first five examples, with all that is random fixed."""
    x, y = (None if part is None else part[:5] for part in examples(case))
    if case == "digits_classifier":
        return {"logits": model.logits(x)}
    if case == "hybrid_classifier":
        return model(x, seed=1)
    found = {"log_prob": model.log_prob(x, seed=1, condition=y)}
    data = model.to_data(x, seed=1) if model.bins else x
    found["latents"] = model.forward(data, condition=y)[:, :8]
    found["sample"] = model.sample(2 if y is None else None, seed=2, condition=None if y is None else y[:2])
    return found


def numbers(case, folder):
    """Losses of three steps of training, and what the model gives then; the model goes into a file."""
    x, y = examples(case)
    model = model_of(case)
    model.initialize(x)
    history = model.fit(x[:96], None if y is None else y[:96], batch_size=32, epochs=1, shuffle=False, verbose=0)
    model.save(folder / f"{case}.keras")
    loaded = keras.saving.load_model(folder / f"{case}.keras")
    return {
        "history": {name: float(values[0]) for name, values in history.history.items()},
        "outputs": {name: np.asarray(value).ravel().tolist() for name, value in outputs(loaded, case).items()},
    }


class _Interrupt(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)


def runs(folder, prefix="", **more):
    """A run of three epochs that has ended, and the same one interrupted after two."""
    overrides = {"blocks": (1, 1), "channels": 4, "epochs": 3, "steps_per_epoch": 5, "validation_examples": 50, **more}
    train("digits_flow", folder / f"{prefix}run", overrides=overrides, progress=False)
    fit = ki.models.Flow.fit

    def interrupted(self, *args, callbacks, **kwargs):
        return fit(self, *args, callbacks=[*callbacks, _Interrupt()], **kwargs)

    ki.models.Flow.fit = interrupted
    try:
        train("digits_flow", folder / f"{prefix}interrupted_run", overrides=overrides, progress=False)
    except TerminatedError as error:
        print(error)
    finally:
        ki.models.Flow.fit = fit
    for run in ("run", "interrupted_run"):
        shutil.rmtree(folder / f"{prefix}{run}" / "tensorboard", ignore_errors=True)


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    found = {case: numbers(case, target) for case in CASES}
    (target / "numbers.json").write_text(json.dumps(found, indent=1) + "\n")
    runs(target)
    runs(target, "standard_", learned_prior=False)
