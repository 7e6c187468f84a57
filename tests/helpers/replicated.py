"""Twenty deterministic steps, on one device and on two replicas; writes what it saw.

python replicated.py flow|wide|implicit|monotone|remat|classifier OUT.npz
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet import data
from keras_iresnet.runs import resolve
from keras_iresnet.runs.machine import devices
from keras_iresnet.runs.recipe_optimizer import make_optimizer
from keras_iresnet.runs.state import snapshot
from keras_iresnet.runs.state.checkpoints import UseAverages

STEPS = 20
# Biases in front of a batch normalisation have no gradient but rounding, which Adamax would make steps of.
SGD = {"optimizer": "sgd", "learning_rate": 0.05}
MODELS = {
    "flow": ("digits_flow", {"dropout": 0.2, "prior_components": 2, "prior_factors": 2}),
    "implicit": ("digits_flow", {"block": "implicit"}),
    "monotone": ("digits_flow", {"block": "monotone", "branch": "densenet", "log_det": "roulette"}),
    "wide": ("digits_flow", {"channels": 192, "dropout": 0.2}),
    "remat": ("digits_flow", {"dropout": 0.2, "remat": True}),
    "classifier": ("digits_classifier", {"blocks": (1, 1), "coeff": None, "normalization": "batch", **SGD}),
}


class Losses(keras.callbacks.Callback):
    """The loss of every step, rather than its mean over the epoch so far."""

    def __init__(self):
        super().__init__()
        self.values = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.values.append(float(logs["loss"]))


def fit(kind, names):
    """Losses, the trained model's arrays, and for how many variables the replicas hold different values."""
    keras.utils.set_random_seed(0)
    name, overrides = MODELS[kind]
    settings = resolve(name, {"blocks": (1,), "channels": 8, "ema_momentum": 0.9, **overrides})
    splits = data.load("digits", labels=kind == "classifier")
    with devices.scope(names):
        model = settings.build()
        model.compile(make_optimizer(settings.recipe, model))
        model.initialize(tf.nest.flatten(next(iter(splits.train.batch(1200))))[0])
    losses = Losses()
    stream = data.Stream(splits.train, 64, seed=0, augmentation="shift")
    validation = data.batches(splits.validation, 64)
    model.fit(
        stream.at(), steps_per_epoch=STEPS, epochs=1, validation_data=validation, verbose=0,
        callbacks=[losses, UseAverages()],
    )  # fmt: skip
    results = model.distribute_strategy.experimental_local_results
    held = [[part.numpy() for part in results(v.value)] for v in (*model.variables, *model.optimizer.variables)]
    assert {len(parts) for parts in held} == {len(names)}
    differing = sum(parts[0].tobytes() != part.tobytes() for parts in held for part in parts)
    evaluated = model.evaluate(validation, verbose=0)
    return np.array(losses.values), snapshot.take(model), differing, evaluated[0]


def main(kind, path):
    tf.config.experimental.enable_op_determinism()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    found = {}
    for count, names in ((1, ["CPU:0"]), (2, ["CPU:0", "CPU:1"])):
        losses, arrays, differing, validation = fit(kind, names)
        found |= {f"{count}/losses": losses, f"{count}/differing": differing, f"{count}/validation": validation}
        found |= {f"{count}/{name}": array for name, array in arrays.items()}
    np.savez(path, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
