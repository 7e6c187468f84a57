"""Passes of an evaluation over all images, and the pilot on some of them that tells the variances."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet.evaluation.batchwise import Bar, draw_seed, evaluated
from keras_iresnet.evaluation.variance import Components

# Images whose variance components are estimated.
_PILOT_IMAGES = 200

Pilot = dict[int, np.ndarray]  # batch -> (noises, probes, images), bits/dim


def first_pass(bits: Any, batches: Any, seed: int, bar: Bar, probes: int) -> tuple[np.ndarray, Pilot]:
    """Bits/dim of all images, (images,); and batch -> (2 noises, probes, images) for some of them, spread evenly."""
    count = max(1, int(batches.cardinality()))  # negative where it is not known
    pilot: Pilot = {}
    piloted, parts = 0, []

    def draws(b, images_and_more):
        x, more = images_and_more
        return [_evaluate(bits, x, seed, b, *draw) for draw in (np.ndindex(2, probes) if more else [(0, 0)])]

    def marked():
        nonlocal piloted
        for b, x in enumerate(batches):
            more = piloted < _PILOT_IMAGES and piloted * count <= b * _PILOT_IMAGES
            piloted += len(tf.nest.flatten(x)[0]) * more
            yield x, more

    for b, found in enumerate(bar.tracked(evaluated(draws, marked()))):
        parts.append(found[0])
        if len(found) > 1:
            pilot[b] = np.reshape(found, (2, probes, -1))
    if not parts:
        raise ValueError("`dataset` must hold at least 1 example. Received: none")
    return np.concatenate(parts), pilot


def passes_needed(parts: Components, count: int, standard_error: float) -> int:
    """Over all images, until chance leaves less than the standard error."""
    return max(1, math.ceil(parts.sampling / (count * standard_error**2)))


def probe_pilot(bits: Any, batches: Any, seed: int, pilot: Pilot, key: int) -> Pilot:
    """Batch -> (2 noises, 2 probes, images) of the batches of a pilot: their probes are new, and the noise is one."""
    found = {}
    for b, x in enumerate(batches):
        if b in pilot:
            draws = [_evaluate(bits, x, seed, b, 0, 1000 * key + probe) for probe in range(2)]
            found[b] = np.stack([draws, draws])
    return found


def further_pass(bits: Any, batches: Any, seed: int, bar: Bar, index: int, pilot: Pilot) -> np.ndarray:
    """Bits/dim of all images, (images,), with the noise and the probes of this pass; the second is partly known."""
    known = {b: draws[1, 0] for b, draws in pilot.items()} if index == 1 else {}

    def draw(b, x):
        return known[b] if b in known else _evaluate(bits, x, seed, b, index, 0)

    return np.concatenate(list(bar.tracked(evaluated(draw, batches))))


def _evaluate(bits, examples, seed, batch, noise, probe):
    """(batch,) float64; the same draws whenever it is called with the same numbers."""
    noise_seed, probe_seed = draw_seed(seed, batch, noise), draw_seed(seed, batch, noise, probe + 1)
    images, *condition = tf.nest.flatten(examples)
    return bits(images, noise_seed, probe_seed, *condition).numpy().astype(np.float64)
