import keras
import pytest
import tensorflow as tf
from bijector_case import EXACT, data, normal, points_layer, tfb, tfd, view

import keras_iresnet as ki
from keras_iresnet.layers import DenseBranch, InjectivePad, InvertibleResidualBlock


def test_float64_input_to_a_float32_layer_is_refused():
    bijector = view(points_layer("float32"), (2,))
    for method in (bijector.forward, bijector.inverse, bijector.forward_log_det_jacobian):
        with pytest.raises(TypeError, match=r"dtype of the layer, float32. Received: float64"):
            method(data(3, 2))


def test_block_that_is_not_contractive_says_so():
    branch = DenseBranch((8,), coeff=None, dtype="float64")
    layer = InvertibleResidualBlock(branch, estimator=EXACT, max_steps=50, dtype="float64")
    bijector = view(layer, (2,))
    density = tfd.TransformedDistribution(normal(2), tfb.Invert(bijector))
    with pytest.raises(ki.layers.NotConvergedError, match="contractive"):
        density.sample(3, seed=1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="did not converge"):
        tf.function(lambda: density.sample(3, seed=1), autograph=False)()
    with pytest.warns(RuntimeWarning, match="must converge"):
        bijector.copy(on_failure="warn").inverse(data(3, 2))
    assert bijector.copy(on_failure="ignore").inverse(data(3, 2)).shape == (3, 2)


def test_layer_that_is_no_bijection_is_refused():
    with pytest.raises(ValueError, match=r"as many latents as data. Received: event_shape=\(2, 2, 1\), latent"):
        ki.InvertibleResNetBijector(InjectivePad(2), event_shape=(2, 2, 1))
    with pytest.raises(ValueError, match=r"invertible layers.*Received: Dense"):
        ki.InvertibleResNetBijector(keras.layers.Dense(2), event_shape=(2,))


def test_event_shape_must_be_known_and_that_of_the_layer(points):
    with pytest.raises(ValueError, match="must be built"):
        ki.InvertibleResNetBijector(points_layer())
    with pytest.raises(ValueError, match=r"built for, \(2,\). Received: event_shape=\(3,\)"):
        ki.InvertibleResNetBijector(points.layer, event_shape=(3,))
    with pytest.raises(ValueError, match="on_failure='stop'"):
        ki.InvertibleResNetBijector(points.layer, on_failure="stop")
