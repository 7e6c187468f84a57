"""Calls a model many times and prints by how many MiB the process has grown since it was warm.

python many_calls.py train|sample|predict WARM CALLS
"""

import os
import pathlib
import sys

import numpy as np

import keras_iresnet as ki


def resident_mebibytes():
    """What the process holds in memory, by the system's own count."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(call, warm, calls):
    flow = ki.zoo.digits_flow(blocks=(1,), channels=4, seed=0)
    flow.compile("adamax")
    images = np.random.default_rng(0).integers(0, 17, (16, 8, 8, 1), dtype=np.uint8)
    flow.initialize(images)
    once = {
        "train": lambda i: flow.train_on_batch(images),
        "sample": lambda i: flow.sample(4, seed=i).numpy(),
        "predict": lambda i: flow.predict(images, verbose=0),
    }[call]
    for i in range(int(warm)):
        once(i)
    before = resident_mebibytes()
    for i in range(int(calls)):
        once(i)
    print(f"grew by {resident_mebibytes() - before:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
