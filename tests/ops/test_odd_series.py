import numpy as np
import oracles
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.ops import maps
from keras_iresnet.ops.bounds.odd_bias import odd_series_bias
from keras_iresnet.ops.odd_series import OddByDifference, odd
from keras_iresnet.ops.series_terms import SeriesValue
from keras_iresnet.ops.series_to_bias import SeriesToBias

SIZE = 5


def tanh(x):
    value = tf.tanh(x)
    return value, 1 - value**2


@pytest.fixture(scope="module")
def case():
    """A map, points, and the Jacobians there."""
    rng = np.random.default_rng(2)
    A = rng.normal(size=(SIZE, SIZE)) + np.eye(SIZE)
    A *= 0.95 / oracles.norm(A)
    x = tf.constant(0.3 * rng.normal(size=(3, SIZE)))
    g = maps.Composition([maps.Elementwise(tanh), maps.Dense(tf.constant(A))])
    return g, x, oracles.jacobian(g, x).numpy()


ESTIMATORS = [
    ki.SeriesLogDet(1, 3),
    ki.SeriesLogDet(6, 3),
    ki.SeriesLogDet(7, 3),
    ki.RouletteLogDet(2, 0.9, num_probes=3),
]


@pytest.mark.parametrize("estimator", [*ESTIMATORS, ki.RouletteLogDet(3, 0.9), SeriesValue(8, 3), SeriesValue(9, 3)])
def test_value_is_the_difference_of_two_calls(case, estimator):
    g, x, _ = case
    for seed in range(6):
        value, nats = odd(estimator)(g, x, (seed, 1))
        expected_value, expected = OddByDifference(estimator)(g, x, (seed, 1))
        np.testing.assert_allclose(value, expected_value)
        np.testing.assert_allclose(nats, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_gradient_is_the_difference_of_two_calls(case, estimator):
    g, x, _ = case

    def slope(made):
        with tf.GradientTape() as tape:
            tape.watch(x)
            nats = made(g, x, (4, 1))[1]
        return tape.gradient(nats, x)

    np.testing.assert_allclose(slope(odd(estimator)), slope(OddByDifference(estimator)), rtol=1e-9, atol=1e-12)


def test_series_converges_to_the_exact_value_within_its_bound(case):
    g, x, jacobians = case
    eye = np.eye(SIZE)
    expected = oracles.log_abs_det(eye - jacobians) - oracles.log_abs_det(eye + jacobians)
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(odd(ki.ExactLogDet())(g, x, None)[1], expected, rtol=1e-10)
    for terms in (5, 6):
        # Over many probes the mean is the truncated series: -2 sum of tr(J^k) / k, taken from powers.
        truncated = -2 * sum(np.trace(np.linalg.matrix_power(jacobians, k), axis1=1, axis2=2) / k for k in (1, 3, 5))
        assert np.abs(truncated - expected).max() < 2 * SIZE * sum(0.95**k / k for k in range(7, 999, 2))
        assert np.abs(truncated - expected).max() > 1e-3
        nats = [odd(ki.SeriesLogDet(terms, 200))(g, x, (seed, 0))[1] for seed in range(30)]
        oracles.assert_mean(nats, truncated)


def test_series_to_bias_stops_where_the_rest_is_small(case):
    g, x, jacobians = case
    eye = np.eye(SIZE)
    expected = oracles.log_abs_det(eye - jacobians) - oracles.log_abs_det(eye + jacobians)
    counted = tf.Variable([0, 0, 0], dtype=tf.int64)
    for seed in range(5):
        long = odd(SeriesValue(400, 4))(g, x, (seed, 2))[1]
        for nats in (0.1, 1e-3):
            found = odd(SeriesToBias(nats, 0.95, num_probes=4, counted=counted))(g, x, (seed, 2))[1]
            assert np.mean(np.abs(found - long)) < nats
    assert counted[1] == 10
    assert counted[0] / 10 < 200
    assert counted[2] == 4 * len(x) * counted[0]
    np.testing.assert_allclose(
        np.mean([odd(SeriesValue(200, 300))(g, x, (i, 0))[1] for i in range(20)], 0), expected, atol=0.1
    )


def test_vectors_of_the_first_odd_term_are_balanced(case):
    g, x, jacobians = case
    eye = np.eye(SIZE)
    expected = oracles.log_abs_det(eye - jacobians) - oracles.log_abs_det(eye + jacobians)

    def draws(**options):
        run = tf.function(lambda seed: odd(SeriesToBias(1e-9, 0.95, **options))(g, x, seed)[1])
        return np.stack([run(tf.constant([seed, 3])) for seed in range(150)])

    one, many = draws(), draws(heads=8)
    for found in (one, many):
        oracles.assert_mean(found, expected)
    assert many.var(0).mean() < 0.7 * one.var(0).mean()


@pytest.mark.parametrize(("lip", "dimension"), [(0.069, 784), (0.729, 784), (0.3, 2), (0.97, 3072)])
def test_default_cap_of_a_roulette_costs_less_than_a_millionth_of_a_nat(lip, dimension):
    rate = lip**2 * (1 + 1e-9)  # just above what has a finite variance
    estimator = odd(ki.RouletteLogDet(rate=rate).for_bound(lip))
    terms = estimator.exact_terms + estimator.cap(dimension)
    assert odd_series_bias(rate**0.5, terms, dimension) <= 1e-6
    assert odd_series_bias(rate**0.5, terms - 1, dimension) > 1e-6
    assert odd(ki.RouletteLogDet(rate=rate, max_terms=7)).cap(dimension) == 7
