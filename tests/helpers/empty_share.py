"""101 examples in batches of 50, whose last leaves one of two replicas without any, beside the same on one device.

python empty_share.py OUT.npz     # in a process of its own, for logical devices
"""

import contextlib
import sys

import keras
import numpy as np
import small_classifiers
import small_flows
import tensorflow as tf


def results(kind, scope):
    """Name -> what training, evaluation and prediction gave."""
    keras.utils.set_random_seed(1)
    with scope:
        model = small_flows.point_flow(seed=1) if kind == "flow" else small_classifiers.classifier()
        model.compile(keras.optimizers.SGD(0.05))
    x = small_flows.points(101) if kind == "flow" else small_flows.images(101)
    y = None if kind == "flow" else (x.mean((1, 2, 3)) > 2).astype(int)
    model.initialize(x)
    evaluated = model.evaluate(x, y, batch_size=50, verbose=0, return_dict=True)
    predicted = model.predict(x, batch_size=50, verbose=0)
    # Batch normalisation takes the statistics of a replica's own share: the classifier's training is another one.
    rate = 0.05 if kind == "flow" else 0.0
    model.optimizer.learning_rate = rate
    weights = np.arange(101) % 3 if kind == "flow" else None
    options = {"batch_size": 50, "epochs": 2, "shuffle": False, "verbose": 0}
    history = model.fit(x, y, sample_weight=weights, **options).history
    found = {f"evaluate/{name}": value for name, value in evaluated.items()} | {"predict": predicted}
    if kind == "flow":
        found |= {f"fit/{name}": value for name, value in history.items()}
        found |= {f"weights/{i:03d}": weight.numpy() for i, weight in enumerate(model.trainable_weights)}
    else:
        assert np.isfinite(history["loss"]).all()
    return found


if __name__ == "__main__":
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])  # one for both: collectives are numbered by process
    scopes = {"one": contextlib.nullcontext, "two": two.scope}
    np.savez(
        sys.argv[1],
        **{
            f"{kind}/{label}/{name}": value
            for kind in ("flow", "classifier")
            for label, scope in scopes.items()
            for name, value in results(kind, scope()).items()
        },
    )
