"""A run that saves its state at every step, in a process of its own; killed in the middle of a write where asked.

python killable.py RUN [WRITES]     # dies in the write of that number, from 1
"""

import os
import signal
import sys

from keras_iresnet.models.files import replacing
from keras_iresnet.runs import train
from keras_iresnet.runs.state import checkpoints

SETTINGS = {
    "blocks": "1", "channels": "4", "epochs": "3", "steps_per_epoch": "6", "batch_size": "256", "ema_momentum": "0.9",
    "augmentation": "shift", "dropout": "0.1",
}  # fmt: skip


def die_in_write(number):
    to_disk, count = replacing.to_disk, 0

    def half_written(path):
        nonlocal count
        count += ".part" in path.name and path.suffix == ".state"
        if count == number:
            os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        to_disk(path)

    replacing.to_disk = half_written


def main(path, *writes):
    checkpoints.SECONDS_BETWEEN, checkpoints.SHARE_OF_TIME = 0, float("inf")
    if writes:
        die_in_write(int(writes[0]))
    train("digits_flow", resume=path, overrides=SETTINGS, deterministic=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
