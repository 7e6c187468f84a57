"""A run in whose fourth step more memory is asked for than there is, in a process of its own.

python short_of_memory.py RUN "a step"|Python     # TensorFlow asks, or Python
"""

import sys

import numpy as np
import tensorflow as tf
from killable import SETTINGS

import keras_iresnet_cli
from keras_iresnet.runs import schedule
from keras_iresnet.runs.state import checkpoints

ASKING = {"a step": lambda: tf.zeros((2**45,)), "Python": lambda: np.zeros(2**50)}


def main(path, who):
    checkpoints.SECONDS_BETWEEN, checkpoints.SHARE_OF_TIME = 0, float("inf")
    on_train_batch_end = schedule.Pace.on_train_batch_end

    def asking(self, batch, logs=None):
        on_train_batch_end(self, batch, logs)
        if self.step == 4:
            ASKING[who]()

    schedule.Pace.on_train_batch_end = asking
    words = [word for field, value in SETTINGS.items() for word in (f"--{field}", value)]
    keras_iresnet_cli.main(["train", "digits_flow", "--deterministic", "--resume", path, *words])


if __name__ == "__main__":
    main(*sys.argv[1:])
