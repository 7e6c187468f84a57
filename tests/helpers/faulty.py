"""A run whose folder fails it after the fourth step, in a process of its own.

python faulty.py RUN full|readonly|gone [logs]     # the first two in a mount namespace, RUN's parent a small disk;
                                                   # with `logs` no state is due then, so that logs fail first
"""

import contextlib
import pathlib
import subprocess
import sys

from killable import SETTINGS

import keras_iresnet_cli
from keras_iresnet.runs import schedule
from keras_iresnet.runs.state import checkpoints


def fill(run):
    """Write until the disk takes no more."""
    with (run.parent / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(2**12)):
            pass


def forbid(run):
    """Let nobody write, not even the superuser."""
    subprocess.run(["mount", "--bind", run, run], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", run], check=True)


FAULTS = {"full": fill, "readonly": forbid, "gone": lambda run: run.rename(run.with_name("moved away"))}


def main(path, fault, *logs):
    if not logs:
        checkpoints.SECONDS_BETWEEN, checkpoints.SHARE_OF_TIME = 0, float("inf")
    on_train_batch_end = schedule.Pace.on_train_batch_end

    def failing(self, batch, logs=None):
        on_train_batch_end(self, batch, logs)
        if self.step == 4:
            FAULTS[fault](pathlib.Path(path))

    schedule.Pace.on_train_batch_end = failing
    words = [word for field, value in SETTINGS.items() for word in (f"--{field}", value)]
    keras_iresnet_cli.main(["train", "digits_flow", "--deterministic", "--resume", path, *words])


if __name__ == "__main__":
    main(*sys.argv[1:])
