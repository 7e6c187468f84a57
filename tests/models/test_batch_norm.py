import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.models.batch_norm import batch_norm


def test_on_one_replica_it_is_that_of_the_batch():
    x = np.random.default_rng(0).normal(3.0, 0.5, size=(7, 4, 5, 3))
    layer = batch_norm(dtype="float64")
    with tf.GradientTape() as tape:
        x = tf.constant(x)
        tape.watch(x)
        y = layer(x, training=True)
        loss = tf.reduce_sum(tf.sin(y))
    mean, variance = x.numpy().mean((0, 1, 2)), x.numpy().var((0, 1, 2))
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + layer.epsilon), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * mean, rtol=1e-9)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * variance, rtol=1e-9)
    # A batch moved by a constant is normalised alike, so the gradient of a channel adds up to 0.
    gradient = tape.gradient(loss, x).numpy()
    assert np.abs(gradient).max() > 0.1
    np.testing.assert_allclose(gradient.sum((0, 1, 2)), 0, atol=1e-9)


@pytest.mark.parametrize(
    ("build", "count"),
    [
        (lambda: ki.zoo.resnet164_classifier("digits", blocks=(1, 1), channels=4), 7),
        (lambda: ki.zoo.digits_classifier(blocks=(1, 1), channels=4, coeff=None, normalization="batch"), 6),
        (lambda: ki.zoo.hybrid_classifier(blocks=(1,), channels=4), 1),
    ],
)
def test_models_average_over_all_replicas(build, count):
    norms = [layer for layer in build()._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    assert [layer.synchronized for layer in norms] == [True] * count
