import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import InvertibleCase

import keras_iresnet as ki
from keras_iresnet.layers import Chain, DenseBranch, Inverse, InvertibleResidualBlock


def residual(coeff=0.9, **kwargs):
    return InvertibleResidualBlock(DenseBranch((5,), coeff=coeff), estimator=ki.ExactLogDet(), **kwargs)


class TestInverseOfABlock(InvertibleCase):
    def make(self, **kwargs):
        return Inverse(residual(), **kwargs)


@pytest.mark.slow
class TestInverseOfAChain(InvertibleCase):
    under_xla = False  # see the block

    def make(self, **kwargs):
        return Inverse(
            Chain([ki.layers.ActNorm(), residual(0.7), ki.layers.ActNorm(), Inverse(residual(0.7))]), **kwargs
        )


@pytest.mark.slow
class TestInverseOfAnInverse(InvertibleCase):
    under_xla = False

    def make(self, **kwargs):
        return Inverse(Inverse(residual()), **kwargs)


def block_64():
    keras.config.set_dtype_policy("float64")
    layer = Inverse(residual())
    layer.build((None, 3))
    return oracles.leave_identity(layer)


def test_it_undoes_the_layer():
    layer, x = block_64(), tf.constant(np.random.default_rng(0).normal(size=(4, 3)))
    np.testing.assert_allclose(layer.layer(layer(x)), x, atol=1e-12)
    np.testing.assert_allclose(layer(x), layer.layer.inverse(x), atol=1e-12)
    y, log_det = layer.forward_and_log_det(x)
    np.testing.assert_allclose(log_det, -layer.layer.forward_and_log_det(y)[1], rtol=1e-10)
    back, report, inverse_log_det = layer._inverse_and_log_det(y, ki.layers.Carried())
    np.testing.assert_allclose(back, x, atol=1e-12)
    np.testing.assert_allclose(inverse_log_det, -log_det, rtol=1e-10)
    assert report is None


@pytest.mark.parametrize("remat", [False, True])
def test_gradients_through_the_solve_are_those_of_differences(remat):
    layer, x = block_64(), tf.constant(np.random.default_rng(0).normal(size=(4, 3)))
    layer.layer.remat = remat
    weights = layer.trainable_weights
    assert len(weights) == 4

    @tf.function(autograph=False)
    def scalar(x):
        y, log_det = layer.forward_and_log_det(x)
        return tf.reduce_sum(y**2) + tf.reduce_sum(log_det)

    with tf.GradientTape() as tape:
        tape.watch(x)
        total = scalar(x)
    *by_weights, by_x = tape.gradient(total, [*(weight.value for weight in weights), x])
    for weight, gradient in zip(weights, by_weights, strict=True):
        start = weight.numpy()

        def moved(value, weight=weight):
            weight.assign(value)
            for spectral in layer.layer.branch.spectral_layers:
                oracles.settle_vector(spectral)  # sigma is that of the kernel as it is now
            return scalar(x)

        expected = oracles.difference_gradient(moved, start)
        moved(start)
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(gradient, expected, atol=1e-5)
    expected = oracles.difference_gradient(lambda value: scalar(tf.constant(value)), x.numpy())
    np.testing.assert_allclose(by_x, expected, atol=1e-5)


def test_a_layer_that_changes_the_shape_is_inverted_once_it_is_built():
    squeeze = ki.layers.Squeeze()
    squeeze.build((None, 4, 4, 1))
    layer = Inverse(squeeze)
    assert layer(tf.zeros((2, 2, 2, 4))).shape == (2, 4, 4, 1)
    with pytest.raises(ValueError, match=r"must be built before. Received: input_shape=\(None, 4, 4, 1\)"):
        Inverse(ki.layers.Squeeze()).build((None, 4, 4, 1))


def test_an_injection_has_no_inverse_layer():
    pad = ki.layers.InjectivePad(2)
    pad.build((None, 2, 2, 1))
    with pytest.raises(ValueError, match="of as many dimensions as the layer takes"):
        Inverse(pad).build((None, 2, 2, 3))


@pytest.mark.parametrize("images", [False, True])
def test_layers_in_it_are_initialised_by_what_they_give_on_the_way_back(images):
    event = (2, 2, 3) if images else (3,)
    inner = [ki.layers.ActNorm() for _ in range(3)]
    block = InvertibleResidualBlock(ki.layers.ConvBranch(4) if images else DenseBranch((5,)))
    back = Inverse(Chain([inner[0], block, inner[1], Inverse(inner[2])]))
    flow = ki.Flow(Chain([back]), event_shape=event)
    x = np.random.default_rng(0).normal([5.0, -300.0, 0.02], [2.0, 1.0, 0.01], (600, *event)).astype("float32")
    flow.initialize(x)
    assert all(layer._is_set() for layer in inner)
    axes = tuple(range(len(event)))
    y = back(x).numpy()
    np.testing.assert_allclose(y.mean(axes), 0, atol=1e-4)
    np.testing.assert_allclose(y.std(axes), 1, atol=1e-3)
    middle = inner[2](x).numpy()  # the inverse of an inverse: as if it stood there itself
    np.testing.assert_allclose(middle.mean(axes), 0, atol=2e-3)
    np.testing.assert_allclose(inner[1].inverse(middle).numpy().std(axes), 1, atol=1e-3)
    before = flow.get_weights()
    flow.initialize(2 * x)
    for old, new in zip(before, flow.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_layer_that_is_set_on_the_way_forward_alone_is_refused_when_initialised():
    inner = ki.layers.Gaussianize(4, name="histogram")
    layer = Inverse(Chain([inner]))
    x = tf.random.normal((50, 3), seed=1)
    with pytest.raises(ValueError, match=r"put it beside the Inverse.* Received: .*with histogram \(Gaussianize\)"):
        layer.initialize(x)
    inner.trainable = False
    layer.initialize(x)


def test_dropout_of_the_solve_is_that_of_the_log_det():
    keras.config.set_dtype_policy("float64")
    branch = DenseBranch((40,), dropout=0.5, seed=3)
    layer = Inverse(Chain([InvertibleResidualBlock(branch, estimator=ki.ExactLogDet())]))
    layer.build((None, 3))
    oracles.leave_identity(layer)
    x = tf.constant(np.random.default_rng(0).normal(size=(1, 3)))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y, log_det = layer.forward_and_log_det(x, training=True)
        parts = [y[0, i] for i in range(3)]
    jacobian = np.stack([tape.gradient(part, x)[0] for part in parts])
    np.testing.assert_allclose(log_det, [np.linalg.slogdet(jacobian)[1]], rtol=1e-9)


def expanding(max_steps=50):
    """The inverse of a block that is none: its branch has a norm of 2."""
    branch = DenseBranch((4,), coeff=None, preactivate=False, activation="relu")
    layer = Inverse(InvertibleResidualBlock(branch, max_steps=max_steps))
    layer.build((None, 4))
    first, second = branch.spectral_layers
    first.kernel.assign(tf.eye(4))
    second.kernel.assign(2 * tf.eye(4))
    return layer


def test_what_does_not_converge_raises():
    layer = expanding()
    with pytest.raises(ki.NotConvergedError, match="2 of 3 did not"):
        layer(tf.constant([[1.0] * 4, [-1.0] * 4, [2.0] * 4]))
    compiled = tf.function(layer)
    with pytest.raises(tf.errors.InvalidArgumentError, match="did not converge"):
        compiled(tf.ones((1, 4)))
    assert np.isnan(tf.function(layer, jit_compile=True)(tf.ones((1, 4)))).all()


@pytest.mark.parametrize("compiled", [False, True])
def test_training_counts_failures_and_ends_where_they_are_many(compiled):
    layer = expanding()
    x = tf.Variable([[1.0] * 4, [-1.0] * 4, [-3.0] * 4])

    def step():
        with tf.GradientTape() as tape:
            y, log_det = layer.forward_and_log_det(x, seed=1, training=True)
            total = tf.reduce_sum(y) + tf.reduce_sum(log_det)
        return tape.gradient(total, x)

    step = tf.function(step, autograph=False) if compiled else step
    gradient = step()
    np.testing.assert_array_equal(gradient[0], np.zeros(4))  # the one that failed has none
    assert np.abs(gradient[1:]).min() > 0
    for _ in range(4):
        step()
    assert float(layer.failures) == 5
    np.testing.assert_allclose(layer.failed_share, (1 - 0.99**5) / 3, rtol=1e-5)
    error = tf.errors.InvalidArgumentError if compiled else ki.NotConvergedError
    with pytest.raises(error, match="share of recent ones that did not"):
        [step() for _ in range(60)]
    np.testing.assert_allclose(layer.failures, 36, atol=1)  # a share of 0.1 after 36 steps
