import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import InvertibleCase

from keras_iresnet.baselines import Autoregressive, Coupling, Mixing, Reverse


class TestCoupling(InvertibleCase):
    input_shape = (5,)

    def make(self, **kwargs):
        return Coupling((6, 6), **kwargs)


class TestCouplingOfImages(InvertibleCase):
    input_shape = (4, 4, 3)

    def make(self, **kwargs):
        return Coupling((6, 6), swap=True, **kwargs)


class TestAdditiveCoupling(InvertibleCase):
    input_shape = (4,)
    log_det_is_zero = True

    def make(self, **kwargs):
        return Coupling((6,), affine=False, **kwargs)


class TestMixing(InvertibleCase):
    input_shape = (2, 3, 4)

    def make(self, **kwargs):
        return Mixing(seed=1, **kwargs)


class TestReverse(InvertibleCase):
    input_shape = (2, 3)
    log_det_is_zero = True

    def make(self, **kwargs):
        return Reverse(**kwargs)


class TestAutoregressive(InvertibleCase):
    input_shape = (6,)

    def make(self, **kwargs):
        return Autoregressive((12, 9), **kwargs)


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
    back, report = layer.inverse_and_report(y)
    np.testing.assert_allclose(back, x, atol=1e-12)
    assert len(passes) == 6
    assert report.steps.numpy().tolist() == [6, 6, 6]


@pytest.mark.parametrize("layer", [Coupling((4,)), Coupling((4, 4), affine=False), Autoregressive((4,)), Reverse()])
def test_an_untrained_layer_keeps_the_volume(layer):
    x = tf.random.stateless_normal((3, 4), (1, 2))
    y, log_det = layer.forward_and_log_det(x)
    np.testing.assert_array_equal(log_det, 0)
    np.testing.assert_array_equal(tf.sort(y), tf.sort(x))


def test_a_mixing_starts_as_a_rotation():
    layer = Mixing(dtype="float64", seed=3)
    y, log_det = layer.forward_and_log_det(tf.eye(5, dtype="float64"))
    np.testing.assert_allclose(y @ tf.transpose(y), np.eye(5), atol=1e-12)
    np.testing.assert_allclose(log_det, 0, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (Coupling, (None, 1), "needs two channels"),
        (lambda: Coupling((4,)), (None, 4, 4, 2), "two hidden layers"),
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
