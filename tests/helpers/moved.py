"""A run on one device and one on two replicas, each gone on with on the other from its fourth step's state.

python moved.py FOLDER     # writes FOLDER/found.npz; in a process of its own, for logical devices
"""

import os
import pathlib
import shutil
import signal
import sys

import numpy as np
import tensorflow as tf
from killable import SETTINGS

from keras_iresnet.runs import TerminatedError, schedule, train
from keras_iresnet.runs.state import checkpoints

DEVICES = {"one": ["CPU:0"], "two": ["CPU:0", "CPU:1"]}
LEFT, LAST = 4, 8  # steps, of 6 in an epoch


def watch(path, seen, on_step):
    """Let `seen` have the loss so far after each step of the next run, and how many variables its replicas disagree on.

    SIGTERM ends it after step `LAST`.
    """

    def on_train_batch_end(self, batch, logs=None):
        pace_on_train_batch_end(self, batch, logs)
        seen[f"{path.name}/loss/{self.step}"] = float(logs["loss"])
        on_step(self.step)
        if self.step == LAST:
            results = self.model.distribute_strategy.experimental_local_results
            variables = [*self.model.variables, *self.model.optimizer.variables]
            held = [[part.numpy().tobytes() for part in results(variable.value)] for variable in variables]
            seen[f"{path.name}/replicas"] = len(held[0])
            seen[f"{path.name}/differing"] = sum(len(set(parts)) > 1 for parts in held)
            os.kill(os.getpid(), signal.SIGTERM)

    schedule.Pace.on_train_batch_end = on_train_batch_end


def run(path, seen, devices, on_step=lambda step: None):
    """Start the run in `path`, or go on with it, up to step `LAST`."""
    watch(path, seen, on_step)
    try:
        train("digits_flow", resume=path, overrides=SETTINGS, devices=DEVICES[devices], deterministic=True)
    except TerminatedError:
        return
    raise AssertionError("the run was to be terminated")


def main(folder):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    checkpoints.SECONDS_BETWEEN, checkpoints.SHARE_OF_TIME = 0, float("inf")
    folder, seen = pathlib.Path(folder), {}
    for first, then in (("one", "two"), ("two", "one")):
        path, moved = folder / first, folder / f"{first} to {then}"

        def leave(step, path=path, moved=moved):
            if step == LEFT + 1:  # as one that is killed there leaves it
                shutil.copytree(path, moved, ignore=shutil.ignore_patterns(".lock"))

        run(path, seen, first, leave)
        run(moved, seen, then)
    np.savez(folder / "found.npz", **seen)


pace_on_train_batch_end = schedule.Pace.on_train_batch_end

if __name__ == "__main__":
    main(*sys.argv[1:])
