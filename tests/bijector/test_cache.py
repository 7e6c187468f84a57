import keras
import numpy as np
import pytest
import tensorflow as tf
from bijector_case import EXACT, data, normal, points_layer, tfb, tfd, view

import keras_iresnet as ki
from keras_iresnet.layers import DenseBranch, InvertibleResidualBlock


def test_density_does_not_solve_the_inverse(points, solves):
    density = tfd.TransformedDistribution(normal(2), tfb.Invert(points))
    density.log_prob(data(3, 2))
    assert len(solves) == 0
    density.log_prob(density.sample(3, seed=1))
    density.experimental_sample_and_log_prob(3, seed=1)
    assert len(solves) == 2


def test_each_log_prob_of_the_other_direction_solves_it_once(points, solves):
    pushed = tfd.TransformedDistribution(normal(2), points)
    pushed.log_prob(data(3, 2))
    assert len(solves) == 1
    sample = pushed.sample(3, seed=1)
    pushed.log_prob(sample)
    assert len(solves) == 1


@pytest.mark.parametrize("taped", [False, True])
def test_compiled_log_prob_of_a_sample_solves_the_inverse_once(solves, taped):
    # A branch without `as_map` reads its weights in the loop of the solver.
    branch = keras.Sequential([ki.layers.SpectralDense(2, dtype="float64")]) if taped else DenseBranch((4,))
    layer = InvertibleResidualBlock(branch, estimator=EXACT, dtype="float64") if taped else points_layer()
    density = tfd.TransformedDistribution(normal(2), tfb.Invert(view(layer, (2,))))

    @tf.function(autograph=False)
    def sampled():
        sample, log_prob = density.experimental_sample_and_log_prob(3, seed=(1, 2))
        return sample, log_prob, density.log_prob(sample)

    sample, *log_probs = sampled()
    assert len(solves) == 1
    for log_prob in log_probs:
        np.testing.assert_allclose(log_prob, density.log_prob(tf.identity(sample)), rtol=1e-9)


@pytest.mark.parametrize("name", ["forward", "inverse", "forward_log_det_jacobian", "inverse_log_det_jacobian"])
def test_no_stale_value_after_a_weight_update(name):
    layer = points_layer()
    bijector = view(layer, (2,))
    method, x = getattr(bijector, name), data(3, 2)
    before = method(x)
    np.testing.assert_array_equal(method(x), before)
    shift, kernel = layer.layers[0].log_scale, layer.layers[1].branch.spectral_layers[0].kernel
    for weight in (shift, kernel):
        weight.assign(weight * 1.1 + 0.1)
        after = method(x)
        assert np.abs(after - before).max() > 1e-3
        np.testing.assert_array_equal(after, method(tf.identity(x)))
        before = after


@pytest.mark.parametrize("name", ["forward", "inverse", "forward_log_det_jacobian", "inverse_log_det_jacobian"])
def test_no_stale_value_in_a_chain_of_bijectors(name):
    layer = points_layer()
    chain = tfb.Chain([tfb.Shift(tf.constant(1.0, "float64")), tfb.Invert(tfb.Invert(view(layer, (2,))))])
    method, x = getattr(chain, name), data(3, 2)
    before = method(x)
    np.testing.assert_array_equal(method(x), before)
    layer.layers[0].log_scale.assign(layer.layers[0].log_scale + 0.1)
    after = method(x)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_array_equal(after, method(tf.identity(x)))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(method(x))
    assert np.abs(tape.gradient(total, layer.layers[0].log_scale.value)).max() > 1e-3


@pytest.mark.parametrize("name", ["forward", "inverse", "forward_log_det_jacobian"])
def test_eager_value_is_no_constant_of_a_compiled_function(name):
    layer = points_layer()
    bijector = view(layer, (2,))
    method, x = getattr(bijector, name), data(3, 2)
    method(x)
    compiled = tf.function(lambda: method(x), autograph=False)
    for _ in range(2):
        np.testing.assert_allclose(compiled(), method(tf.identity(x)), rtol=1e-9)
        layer.layers[0].log_scale.assign(layer.layers[0].log_scale + 0.1)


def test_no_stale_value_within_a_compiled_function():
    layer = points_layer()
    bijector, weight = view(layer, (2,)), layer.layers[0].log_scale
    step = tf.function(lambda: [weight.value.assign(weight.value + 0.1)], autograph=False)

    @tf.function
    def values(x):
        first = bijector.forward(x)
        weight.value.assign(weight.value + 0.1)
        second = bijector.forward(x)
        step()  # a call that writes
        third = bijector.forward(x)
        total = tf.zeros_like(x)
        for _ in tf.range(2):  # a loop that writes after it has read
            total += bijector.forward(x)
            weight.value.assign(weight.value + 0.1)
        return first, second, third, total, bijector.forward(x)

    x = data(3, 2)
    found = values(x)
    weight.value.assign(weight.value - 0.4)
    expected = []
    for _ in range(5):
        expected.append(bijector.forward(x))
        weight.value.assign(weight.value + 0.1)
    first, second, third, fourth, fifth = expected
    for one, other in zip(found, [first, second, third, third + fourth, fifth], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_value_of_one_branch_does_not_leak_into_the_graph_around_it(points):
    @tf.function(autograph=False)
    def values(x):
        inside = tf.cond(x[0, 0] > -100, lambda: points.forward(x), lambda: x)
        return inside, points.forward(x)

    inside, outside = values(data(3, 2))
    np.testing.assert_array_equal(inside, outside)


def test_value_from_outside_a_tape_does_not_hide_the_gradient(points):
    x = data(3, 2)
    for method in (points.forward, points.inverse, points.forward_log_det_jacobian):
        method(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(method(x))
        gradient = tape.gradient(total, [x, *points.trainable_variables[2:3]])
        assert all(np.abs(one).max() > 1e-3 for one in gradient)


def test_views_of_the_same_layer_are_equal_and_others_are_not(points):
    assert points.copy() == points
    assert points.copy(seed=1) != points
    assert ki.InvertibleResNetBijector(points_layer(), event_shape=(2,)) != points
