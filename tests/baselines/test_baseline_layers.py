import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import InvertibleCase

from keras_iresnet.baselines import Autoregressive, Coupling, Mixing, Reverse
from keras_iresnet.layers.carried import EVALUATION


class TestCoupling(InvertibleCase):
    input_shape = (5,)

    def make(self, **kwargs):
        return Coupling((6, 6), **kwargs)


class TestSigmoidCoupling(InvertibleCase):
    input_shape = (4,)

    def make(self, **kwargs):
        return Coupling((6, 6), scale="sigmoid", **kwargs)


@pytest.mark.slow
class TestCouplingOfImages(InvertibleCase):
    input_shape = (4, 4, 3)

    def make(self, **kwargs):
        return Coupling((6, 6), swap=True, **kwargs)


class TestAdditiveCoupling(InvertibleCase):
    input_shape = (4,)
    log_det_is_zero = True

    def make(self, **kwargs):
        return Coupling((6,), affine=False, **kwargs)


class TestCheckerboard(InvertibleCase):
    input_shape = (3, 4, 2)

    def make(self, **kwargs):
        return Coupling((6, 6), mask="checkerboard", residual=True, inner_side=3, **kwargs)


@pytest.mark.slow
class TestEveryOtherFeature(InvertibleCase):
    input_shape = (5,)
    under_xla = False

    def make(self, **kwargs):
        return Coupling((6,), mask="checkerboard", swap=True, activation="tanh", **kwargs)


class TestMixing(InvertibleCase):
    input_shape = (2, 3, 4)

    def make(self, **kwargs):
        return Mixing(seed=1, **kwargs)


@pytest.mark.slow
class TestReverse(InvertibleCase):
    input_shape = (2, 3)
    log_det_is_zero = True

    def make(self, **kwargs):
        return Reverse(**kwargs)


class TestAutoregressive(InvertibleCase):
    input_shape = (6,)

    def make(self, **kwargs):
        return Autoregressive((12, 9), **kwargs)


@pytest.mark.slow
class TestAutoregressiveOfImages(InvertibleCase):
    input_shape = (2, 2, 2)

    def make(self, **kwargs):
        return Autoregressive((12,), reverse=True, **kwargs)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_each_dimension_depends_on_those_before_it_alone(size, reverse):
    layer = Autoregressive((20, 15), reverse=reverse, dtype="float64")
    layer.build((None, size))
    oracles.leave_identity(layer)
    jacobian = oracles.jacobian(layer, tf.constant(np.random.default_rng(0).normal(size=(1, size)))).numpy()[0]
    beyond = np.triu(jacobian, 1) if not reverse else np.tril(jacobian, -1)
    np.testing.assert_array_equal(beyond, 0)
    within = np.tril(jacobian) if not reverse else np.triu(jacobian)
    assert np.count_nonzero(within) == size * (size + 1) // 2


def test_the_inverse_takes_a_pass_for_each_dimension_and_says_so(monkeypatch):
    layer = Autoregressive((8,), dtype="float64")
    layer.build((None, 6))
    oracles.leave_identity(layer)
    passes = []
    parameters = Autoregressive._parameters
    monkeypatch.setattr(Autoregressive, "_parameters", lambda self, x: passes.append(1) or parameters(self, x))
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 6)))
    y = layer(x)
    passes.clear()
    back, report = layer._inverse(y, EVALUATION)  # uncompiled, pass by pass
    np.testing.assert_allclose(back, x, atol=1e-12)
    assert len(passes) == 6
    assert report.steps.numpy().tolist() == [6, 6, 6]


@pytest.mark.parametrize("layer", [Coupling((4,)), Coupling((4, 4), affine=False), Autoregressive((4,)), Reverse()])
def test_an_untrained_layer_keeps_the_volume(layer):
    x = tf.random.stateless_normal((3, 4), (1, 2))
    y, log_det = layer.forward_and_log_det(x)
    np.testing.assert_array_equal(log_det, 0)
    np.testing.assert_array_equal(tf.sort(y), tf.sort(x))


@pytest.mark.parametrize(("mask", "swap"), [("halves", False), ("halves", True), ("checkerboard", False)])
def test_the_half_that_stays_is_the_one_that_was_asked_for(mask, swap):
    layer = Coupling((4,), mask=mask, swap=swap)
    layer.build((None, 5))
    oracles.leave_identity(layer)
    x = np.random.default_rng(0).normal(size=(8, 5)).astype("float32")
    moved = np.abs(layer(x) - x).max(0) > 1e-6
    stays = {"halves": [3, 4] if swap else [0, 1], "checkerboard": [1, 3]}[mask]
    np.testing.assert_array_equal(np.flatnonzero(~moved), stays)


@pytest.mark.parametrize("swap", [False, True])
def test_a_checkerboard_keeps_the_pixels_of_one_colour(swap):
    layer = Coupling((4,), mask="checkerboard", swap=swap)
    layer.build((None, 4, 6, 2))
    oracles.leave_identity(layer)
    x = np.random.default_rng(0).normal(size=(8, 4, 6, 2)).astype("float32")
    moved = np.abs(layer(x) - x).max((0, -1)) > 1e-6
    np.testing.assert_array_equal(moved, np.add.outer(range(4), range(6)) % 2 == (0 if swap else 1))


def test_averages_of_batch_normalisation_move_in_training_alone():
    layer, x = Coupling((4,), affine=False, normalized=True), tf.random.stateless_normal((9, 4, 4, 2), (1, 2)) + 3.0
    layer(x)
    before = [weight.numpy() for weight in layer.non_trainable_weights]
    assert before
    layer(x)
    for old, weight in zip(before, layer.non_trainable_weights, strict=True):
        np.testing.assert_array_equal(weight, old)
    layer(x, training=True)
    assert any(np.abs(weight - old).max() > 0 for old, weight in zip(before, layer.non_trainable_weights, strict=True))


def test_a_mixing_starts_as_a_rotation():
    layer = Mixing(dtype="float64", seed=3)
    y, log_det = layer.forward_and_log_det(tf.eye(5, dtype="float64"))
    np.testing.assert_allclose(y @ tf.transpose(y), np.eye(5), atol=1e-12)
    np.testing.assert_allclose(log_det, 0, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (Coupling, (None, 1), "needs two channels"),
        (lambda: Coupling((4,), mask="stripes"), (None, 4), "mask='stripes'"),
        (lambda: Coupling((4,), mask="checkerboard"), (None, 4, 3, 2), r"input_shape=\(None, 4, 3, 2\)"),
        (lambda: Coupling(()), (None, 4), "`units` must hold"),
        (lambda: Coupling((4, 5), residual=True), (None, 4), "`units` must hold"),
        (lambda: Autoregressive(()), (None, 4), "`units` must hold"),
    ],
)
def test_what_cannot_be_is_refused(make, shape, message):
    with pytest.raises(ValueError, match=message):
        make().build(shape)


def test_they_are_saved_within_a_model(tmp_path):
    layer = Coupling((4, 4))
    model = keras.Sequential([keras.Input((3, 3, 2)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = tf.random.stateless_normal((2, 3, 3, 2), (1, 2))
    np.testing.assert_allclose(loaded(x), model(x), rtol=1e-6)


def test_a_sigmoid_scale_is_the_identity_at_first_and_expands_by_little():
    layer = Coupling((6,), scale="sigmoid")
    x = tf.random.stateless_normal((50, 4), (1, 2))
    np.testing.assert_allclose(layer(x), x, atol=1e-6)
    for weight in layer.network.weights:
        weight.assign(tf.random.stateless_normal(weight.shape, (3, 4), stddev=5.0))
    log_det = layer.forward_and_log_det(x)[1]
    assert np.abs(log_det).max() > 5
    slopes = np.asarray(oracles.jacobian(layer, x)).diagonal(axis1=1, axis2=2)
    assert slopes.max() <= 1 + np.exp(-2) + 1e-5  # 1 / sigmoid(2)
    before = {key: value for key, value in layer.get_config().items() if key != "scale"}  # as it was once saved
    assert Coupling.from_config(before).scale == "tanh"
    with pytest.raises(ValueError, match=r"`scale` must be one of tanh, sigmoid. Received: scale='exp'"):
        Coupling((6,), scale="exp")
