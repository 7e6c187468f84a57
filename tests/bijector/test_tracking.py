import keras
import numpy as np
import oracles
import tensorflow as tf
from bijector_case import data, normal, points_layer, tfb, tfd, view

import keras_iresnet as ki


def test_tfp_sees_each_weight_once(points, images):
    for bijector in (points, images):
        for visible in (bijector, tfd.TransformedDistribution(normal(2), tfb.Invert(bijector))):
            trainable = [id(one.value) for one in bijector.layer.trainable_variables]
            assert sorted(map(id, visible.trainable_variables)) == sorted(trainable)
            assert len(visible.variables) == len(bijector.layer.variables) + 1  # and the seed's state


def test_keras_sees_each_weight_once_in_a_layer_that_holds_a_bijector():
    holder = keras.layers.Layer()
    holder.inner = points_layer()
    holder.bijector = view(holder.inner, (2,))
    assert len(holder.trainable_variables) == len(holder.inner.trainable_variables)


def test_frozen_weights_are_not_trainable():
    layer = points_layer()
    layer.build((None, 2))
    layer.layers[0].trainable = False
    bijector = ki.InvertibleResNetBijector(layer)
    assert len(bijector.trainable_variables) == len(layer.trainable_variables) == 4


def test_power_iterations_advance_once_for_each_state_of_the_weights():
    layer = points_layer()
    training = view(layer, (2,), training=True)
    evaluation = training.copy(training=False)
    spectral = layer.layers[1].branch.spectral_layers[0]
    rng = np.random.default_rng(0)

    def lag():
        """How far sigma is below the norm, in parts of it."""
        return 1 - spectral.sigma().numpy() / oracles.norm(spectral.kernel.numpy())

    spectral.kernel.assign(rng.normal(size=spectral.kernel.shape))
    start = lag()
    evaluation.forward(data(3, 2))
    assert lag() == start > 1e-3
    training.forward(data(3, 2))
    first = lag()
    assert first < start
    training.forward_log_det_jacobian(data(3, 2))
    training.inverse(data(3, 2))
    assert lag() == first


def test_power_iterations_follow_weights_trained_in_a_compiled_function():
    layer = points_layer()
    bijector = view(layer, (2,), training=True)
    density = tfd.TransformedDistribution(normal(2), tfb.Invert(bijector))
    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build(layer.trainable_variables)

    @tf.function(autograph=False)
    def step(x):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(density.log_prob(x))
        gradients = tape.gradient(loss, density.trainable_variables)
        by_id = dict(zip(map(id, density.trainable_variables), gradients, strict=True))
        optimizer.apply([by_id[id(one.value)] for one in layer.trainable_variables], layer.trainable_variables)
        return loss

    losses = [float(step(3 * data(100, 2) ** 2)) for _ in range(30)]
    assert losses[-1] < losses[0] - 0.2
    for spectral in layer.layers[1].branch.spectral_layers:
        assert oracles.norm(spectral.normalized_kernel()) < 0.91
