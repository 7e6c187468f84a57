"""The layer in which a training step leaves the finite numbers is named, whichever way it does."""

import re

import keras
import numpy as np
import pytest
import small_classifiers
import small_flows
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.runs.state.broken_layer import broken_layer, not_finite


@keras.saving.register_keras_serializable(package="tests")
class Breaking(ki.layers.InvertibleLayer):
    """The identity, but for what breaks."""

    def __init__(self, broken=None, **kwargs):
        super().__init__(**kwargs)
        self.broken = broken

    def build(self, input_shape):
        super().build(input_shape)
        self.scale = self.add_weight(name="scale", shape=(), initializer="zeros")

    def _forward(self, x, carried):
        log_det = float("inf") if self.broken == "log-det" else 0.0
        if self.broken == "output":
            x = x + tf.math.log(-1.0 - tf.square(x))
        if self.broken == "gradient":
            x = _without_slope(x + self.scale)
        return x, log_det

    def _inverse(self, y, carried):
        return y, None


@tf.custom_gradient
def _without_slope(x):
    return tf.identity(x), lambda dy: dy * np.float32(np.nan)


def flow(**broken):
    block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((8,)), estimator=ki.ExactLogDet(), name="block")
    layers = [ki.layers.ActNorm(name="first"), block, *(Breaking(how, name=name) for name, how in broken.items())]
    made = ki.Flow(ki.layers.Chain([*layers, ki.layers.ActNorm(name="last")]), (2,))
    made.compile("adam")
    return made


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({}, None),
        ({"one": None, "two": "output", "three": "output"}, "the output of two"),
        ({"one": "log-det"}, "the output of one"),
        ({"one": None, "two": "gradient", "three": None}, r"the gradient of \S*two/scale"),
    ],
)
def test_the_first_layer_that_breaks_is_named(broken, named):
    model = flow(**broken)
    before = model.get_weights()
    found = broken_layer(model, tf.constant(small_flows.points(16)))
    if named is None:
        assert found is None
    else:
        assert re.fullmatch(named, found), found
    assert [ours.shape for ours in model.get_weights()] == [kept.shape for kept in before]
    for weight, kept in zip(model.trainable_weights, flow(**broken).trainable_weights, strict=True):
        assert weight.shape == kept.shape
    assert "_forward" not in vars(model.layer.layers[0])  # nothing is left of the search


def test_a_layer_in_another_is_named_before_it():
    model = small_flows.image_flow(seed=0)
    model.compile("adam")
    inner = model.layer.layers[-1].layer.layers[1]
    inner.trainable_weights[0].assign(np.full(inner.trainable_weights[0].shape, np.nan))
    assert broken_layer(model, tf.constant(small_flows.images(8))) == f"the output of {inner.name}"


def test_a_classifier_is_looked_at_with_its_labels():
    model = small_classifiers.classifier()
    model.compile("sgd")
    batch = tf.constant(small_flows.images(8)), tf.zeros((8,), tf.int64)
    assert broken_layer(model, batch) is None
    head = model.head.trainable_weights[0]
    head.assign(np.full(head.shape, np.inf))
    assert broken_layer(model, batch) == "the loss, of outputs that are finite"


def test_weights_that_are_not_finite_are_named_by_their_paths():
    model = flow()
    assert not_finite(model.trainable_weights) == []
    weight = model.layer.layers[1].trainable_weights[0]
    values = weight.numpy()
    values.flat[-1] = -np.inf
    weight.assign(values)
    assert not_finite(model.trainable_weights) == [weight.path]
    assert "block" in weight.path
