"""A layer that breaks on one example of its data, forward or backward, and the flow of the zoo that has it."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet import zoo

OUTLIER, LIMIT = 9.0, 5.0  # of the first column: the row that breaks the layer, and from where on one does


@keras.saving.register_keras_serializable(package="tests")
class Frail(ki.layers.InvertibleLayer):
    """y = x, but that in training what is beyond `LIMIT` makes the output NaN, or the gradient."""

    def __init__(self, broken="gradient", **kwargs):
        super().__init__(**kwargs)
        self.broken = broken

    def build(self, input_shape):
        super().build(input_shape)
        self.shift = self.add_weight(name="shift", shape=(), initializer="zeros")

    def _forward(self, x, carried):
        if not carried.training:
            return x, 0.0
        if self.broken == "output":
            return x + 0 * tf.math.log(LIMIT - tf.abs(x)), 0.0
        return _with_frail_slope(x + 1e-3 * self.shift), 0.0

    def _inverse(self, y, carried):
        return y, None

    def get_config(self):
        return {**super().get_config(), "broken": self.broken}


def frail_flow(*, broken: str = "gradient", seed: int | None = None) -> ki.Flow:
    """Two blocks with a frail layer between them.

    Args:
        broken: "gradient" or "output".
        seed: seed of the weights.
    """
    if seed is not None:
        keras.utils.set_random_seed(seed)

    def block(name):
        branch = ki.layers.DenseBranch((8,))
        return ki.layers.InvertibleResidualBlock(branch, estimator=ki.ExactLogDet(), name=name)

    chain = ki.layers.Chain([block("before"), Frail(broken, name="frail"), block("behind")])
    return ki.Flow(chain, (2,), seed=seed)


@tf.custom_gradient
def _with_frail_slope(x):
    """x, whose gradient is NaN beyond `LIMIT`."""
    return tf.identity(x), lambda dy: tf.where(tf.abs(x) > LIMIT, np.float32(np.nan), dy)


@contextlib.contextmanager
def known(dataset):
    """Let the zoo have the flow, with a recipe for a file."""
    before = dict(zoo.registry._entries)
    recipe = zoo.Recipe(dataset=str(dataset), epochs=3, batch_size=16, learning_rate=1e-3)
    zoo.register(recipe)(frail_flow)
    try:
        yield
    finally:
        zoo.registry._entries.clear()
        zoo.registry._entries.update(before)


def write_points(path, *, row):
    """100 points in the plane, of which one row is `OUTLIER`."""
    points = np.random.default_rng(0).normal(size=(100, 2)).astype("float32").clip(-3, 3)
    points[row, 0] = OUTLIER
    np.save(path, points)
