"""What the references' own code answered, as tests/commands/checkpoints/record_references.py recorded it."""

import functools
import json
import pathlib

import numpy as np

RECORDED = pathlib.Path(__file__).parents[1] / "commands" / "checkpoints" / "recorded"
COEFF = 0.93  # of all of them


@functools.cache
def recorded(name):
    """Name -> array, of one network."""
    with np.load(RECORDED / f"{name}.npz") as file:
        shapes = json.loads(str(file["index"]))
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
        parts = np.split(file["values"], ends[:-1])
    return {key: part.reshape(shape) for (key, shape), part in zip(shapes.items(), parts, strict=True)}


def state(name):
    """Its state dict."""
    return {key.removeprefix("state/"): value for key, value in recorded(name).items() if key.startswith("state/")}


def images(name):
    """What it was given, channels last."""
    return channels_last(recorded(name)["images"])


def channels_last(x):
    """(n, channels, height, width) -> (n, height, width, channels)."""
    return np.moveaxis(x, 1, -1)
