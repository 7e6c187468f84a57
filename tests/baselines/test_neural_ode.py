"""The differential equation: its log-det, its gradients by the adjoint equation, its evaluations."""

import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import LayerCase

import keras_iresnet as ki
from keras_iresnet.baselines import NeuralODE


class TestNeuralODE(LayerCase):
    input_shape = (3,)

    def make(self, **kwargs):
        return NeuralODE((6,), trace="exact", **kwargs)


def far(event=(3,), *, dtype="float64", **options):
    layer = NeuralODE((6,), dtype=dtype, **{"trace": "exact", "tolerance": 1e-8, **options})
    layer.build((None, *event))
    rng = np.random.default_rng(0)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(size=weight.shape) / np.sqrt(np.prod(weight.shape[:-1]) / 2))
    return layer


def points(event=(3,), count=4):
    return tf.constant(np.random.default_rng(1).normal(size=(count, *event)))


def differences(function, x, step=1e-3):
    """Jacobians (batch, D, D) of a compiled function at x (batch, *event), by fourth-order differences."""
    columns = []
    for unit in np.eye(np.prod(x.shape[1:])).reshape(-1, 1, *x.shape[1:]):
        values = [function(x + count * step * unit) for count in (-2, -1, 1, 2)]
        columns.append((values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step))
    return np.stack([np.reshape(column, (len(x), -1)) for column in columns], -1)


@pytest.mark.parametrize(
    ("event", "trace"), [((3,), "exact"), pytest.param((2, 2, 2), "hutchinson", marks=pytest.mark.slow)]
)
def test_log_det_is_that_of_the_jacobian(event, trace):
    layer, x = far(event, trace=trace), points(event)
    log_det = tf.function(lambda x: layer.forward_and_log_det(x, estimator=ki.ExactLogDet()))(x)[1]
    forward = tf.function(layer)
    expected = oracles.log_abs_det(differences(forward, x))
    assert np.abs(expected).max() > 0.2
    np.testing.assert_allclose(log_det, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow  # the solver and its adjoint are traced for 10 s and more
def test_value_does_not_depend_on_whether_the_log_det_is_asked_for():
    layer, x = far(), points()
    with_log_det = tf.function(layer.forward_and_log_det)(x)[0]
    np.testing.assert_allclose(with_log_det, tf.function(layer)(x), atol=1e-6)


@pytest.mark.slow  # the solver and its adjoint are traced for 10 s and more
def test_gradient_by_the_adjoint_equation_is_that_of_differences():
    layer, x = far(), points(count=1)

    @tf.function
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(layer(x) * [1.0, 2.0, -1.0])
        return tape.gradient(y, x)

    expected = differences(tf.function(layer), x)[0].T @ [1.0, 2.0, -1.0]
    np.testing.assert_allclose(gradient(x)[0], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.slow  # the solver and its adjoint are traced for 10 s and more
def test_random_trace_has_the_right_mean_and_the_seed_decides_it():
    layer, x = far(trace="hutchinson", tolerance=1e-5), points(count=2)
    exact = layer.forward_and_log_det(x, estimator=ki.ExactLogDet())[1]
    draw = tf.function(lambda seed: layer.forward_and_log_det(x, seed)[1])
    draws = np.stack([draw(tf.constant([seed, 0])) for seed in range(60)])
    assert draws.std(0).min() > 1e-3
    oracles.assert_mean(draws, exact)
    np.testing.assert_array_equal(draws[3], draw(tf.constant([3, 0])))
    with pytest.raises(ValueError, match="seed"):
        layer.forward_and_log_det(x)


@pytest.mark.parametrize(("dtype", "error"), [("float64", 1e-6), ("float32", 1e-3), ("mixed_bfloat16", 1e-3)])
def test_inverse_gives_the_input_back_and_reports_its_evaluations(dtype, error):
    layer = far(dtype=dtype, tolerance=None if dtype != "float64" else 1e-8)
    x = tf.cast(points(), layer.stream_dtype)
    back, report = layer.inverse_and_report(layer(x))
    np.testing.assert_allclose(back, x, atol=error)
    assert back.dtype == x.dtype == layer.stream_dtype
    assert report.converged.numpy().all()
    assert len(set(report.steps.numpy())) == 1


@pytest.mark.slow
def test_evaluations_are_those_of_the_network():
    layer, x, calls = far(trace="hutchinson", tolerance=1e-4), points(), []
    network = layer.network.call
    layer.network.call = lambda *args, **kwargs: calls.append(0) or network(*args, **kwargs)
    _, report = layer.inverse_and_report(x)
    assert int(report.steps[0]) > 6
    assert abs(len(calls) - int(report.steps[0])) <= 2  # one or two choose the first step
    calls.clear()
    assert abs(int(layer.evaluations(x)) - len(calls)) <= 2
    layer.tolerance = 1e-7
    assert int(layer.evaluations(x)) > int(report.steps[0])


@pytest.mark.slow  # the solver and its adjoint are traced for 10 s and more
def test_gradients_of_weights_are_those_of_differences():
    layer, x = far((2,)), points((2,), 2)
    weight = layer.network.last.bias

    @tf.function
    def nats():
        y, log_det = layer.forward_and_log_det(x)
        return tf.reduce_sum(log_det) - tf.reduce_sum(tf.square(y))

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            loss = nats()
        return tape.gradient(loss, weight.value)

    def at(value):
        weight.assign(value)
        return nats()

    found, start = gradient(), weight.numpy()
    np.testing.assert_allclose(found, oracles.difference_gradient(at, start, step=1e-4), rtol=1e-4, atol=1e-5)


def test_what_cannot_be_is_refused():
    for options, message in [
        ({"trace": "none"}, "trace='none'"),
        ({"time": 0.0}, "time=0.0"),
        ({"tolerance": -1}, "-1"),
    ]:
        with pytest.raises(ValueError, match=message):
            NeuralODE((4,), **options)
    layer = far()
    with pytest.raises(ValueError, match=r"shape=\(2, 5\)"):
        layer(tf.zeros((2, 5)))
    with pytest.raises(ValueError, match=r"shape=\(2, 5\)"):
        layer.inverse(tf.zeros((2, 5)))
