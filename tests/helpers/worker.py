"""One worker of a run, in a process of its own; TF_CONFIG says which.

python worker.py train|resume MODEL RUN DUMP.npz [FIELD=VALUE ...]  # a state at every step; DUMP gets what it ends with
"""

import sys

import numpy as np

import keras_iresnet_cli
from keras_iresnet.runs.state import checkpoints, save_state, snapshot

SETTINGS = {
    "blocks": "1", "channels": "4", "epochs": "2", "minutes": "none", "batch_size": "256", "ema_momentum": "0.9",
    "augmentation": "shift",
}  # fmt: skip


def main(command, model, path, dump, *fields):
    checkpoints.SECONDS_BETWEEN, checkpoints.SHARE_OF_TIME = 0, float("inf")
    on_train_end = save_state.SaveState.on_train_end

    def dumping(self, logs=None):
        np.savez(dump, **snapshot.take(self.model))
        on_train_end(self, logs)

    save_state.SaveState.on_train_end = dumping
    settings = SETTINGS | dict(field.split("=") for field in fields)
    words = [word for field, value in settings.items() for word in (f"--{field}", value)]
    folder = ["--resume" if command == "resume" else "--out", path]
    keras_iresnet_cli.main(["train", model, "--deterministic", *folder, *words])


if __name__ == "__main__":
    main(*sys.argv[1:])
