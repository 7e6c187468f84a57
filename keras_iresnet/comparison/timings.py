"""What each model takes for a training step, for samples and for an inverse, compiled and timed in turns."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from keras_iresnet import data
from keras_iresnet.benchmarks.turns import in_turns
from keras_iresnet.models import Flow
from keras_iresnet.runs.recipe_optimizer import make_optimizer
from keras_iresnet.zoo.recipe import Recipe

EXAMPLES = 100  # that are drawn, or inverted, at once
COLUMNS = ("step_milliseconds", "sample_milliseconds", "inverse_milliseconds")


def timings_of(
    flows: Mapping[str, Flow], splits: data.Splits, recipe: Recipe, *, pairs: int
) -> dict[str, dict[str, float]]:
    """Medians, each time of one model right after the other, so that drifts of the machine touch all of them.

    All is compiled, and called once before: eager calls of many small operations would be timed by their number.

    Args:
        flows: name -> trained flow; its weights are moved by the steps.
        splits: its data.
        recipe: whose batch a step is of.
        pairs: how often each is timed.

    Returns:
        name -> milliseconds of a training step of a batch, of drawing 100 samples, and of inverting the latents of as
        many test examples, which come again where there are fewer, by the names in `COLUMNS`.
    """
    found: dict[str, dict[str, float]] = {name: {} for name in flows}
    makers: dict[str, Callable[[Flow], Callable[[], Any]]] = {
        "sample_milliseconds": lambda flow: _sampling(flow),
        "inverse_milliseconds": lambda flow: _inverting(flow, splits),
        "step_milliseconds": lambda flow: _training(flow, splits, recipe),  # the last, as it moves weights
    }
    for column, make in makers.items():
        contenders = {name: _timed(make(flow)) for name, flow in flows.items()}
        for name, seconds in in_turns(contenders, pairs, warm_up=1).seconds.items():
            found[name][column] = 1000 * statistics.median(seconds)
    return {name: {column: of[column] for column in COLUMNS} for name, of in found.items()}


def _timed(do):
    def once():
        begin = time.perf_counter()
        do()
        return time.perf_counter() - begin

    return once


def _sampling(flow):
    draw = tf.function(lambda seed: flow.sample(EXAMPLES, seed, on_failure="ignore"), autograph=False)
    seed = tf.constant([0, 0])  # an argument: of a number, the compiler could work out the noise beforehand
    return lambda: draw(seed).numpy()


def _inverting(flow, splits):
    examples = next(iter(splits.test.batch(EXAMPLES)))
    examples = tf.gather(examples, tf.range(EXAMPLES) % len(examples))
    z = flow.forward(examples if flow.bins is None else flow.to_data(examples, 0))
    invert = tf.function(lambda z: flow.inverse(z, on_failure="ignore"), autograph=False)
    return lambda: invert(z).numpy()


def _training(flow, splits, recipe):
    flow.compile(make_optimizer(recipe, flow))
    batch = next(iter(splits.train.batch(recipe.batch_size)))
    step = tf.function(flow.train_step, autograph=False)
    return lambda: float(step(batch)["loss"])
