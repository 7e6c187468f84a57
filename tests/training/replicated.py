"""Twenty deterministic steps on one device and on two replicas, in a process of its own; writes what it saw.

python replicated.py OUT.npz
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet import data, zoo
from keras_iresnet.training import devices, resolve, snapshot
from keras_iresnet.training.checkpoints import UseAverages
from keras_iresnet.training.optimizers import make_optimizer

STEPS = 20


class Losses(keras.callbacks.Callback):
    """The loss of every step, rather than its mean over the epoch so far."""

    def __init__(self):
        super().__init__()
        self.values = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.values.append(float(logs["loss"]))


def fit(names):
    """Losses, the trained model's arrays, and for how many variables the replicas hold different values."""
    keras.utils.set_random_seed(0)
    recipe = resolve("digits_flow", {"ema_momentum": 0.9}).recipe
    splits = data.load("digits")
    with devices.scope(names):
        flow = zoo.digits_flow(blocks=(1,), channels=8, dropout=0.2, seed=0)
        flow.compile(make_optimizer(recipe, flow))
        flow.initialize(next(iter(splits.train.batch(512))))
    losses = Losses()
    stream = data.Stream(splits.train, 64, seed=0, augmentation="shift")
    validation = data.batches(splits.validation, 64)
    flow.fit(
        stream.at(), steps_per_epoch=STEPS, epochs=1, validation_data=validation, verbose=0,
        callbacks=[losses, UseAverages()],
    )  # fmt: skip
    results = flow.distribute_strategy.experimental_local_results
    held = [[part.numpy() for part in results(v.value)] for v in (*flow.variables, *flow.optimizer.variables)]
    assert {len(parts) for parts in held} == {len(names)}
    differing = sum(parts[0].tobytes() != part.tobytes() for parts in held for part in parts)
    evaluated = flow.evaluate(validation, verbose=0)
    return np.array(losses.values), snapshot.take(flow), differing, evaluated[0]


def main(path):
    tf.config.experimental.enable_op_determinism()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    found = {}
    for count, names in ((1, ["CPU:0"]), (2, ["CPU:0", "CPU:1"])):
        losses, arrays, differing, validation = fit(names)
        found |= {f"{count}/losses": losses, f"{count}/differing": differing, f"{count}/validation": validation}
        found |= {f"{count}/{name}": array for name, array in arrays.items()}
    np.savez(path, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
