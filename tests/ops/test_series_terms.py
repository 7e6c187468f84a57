import numpy as np
import pytest
import tensorflow as tf
from oracles import assert_mean, jacobian, leave_identity

from keras_iresnet.layers import ConvBranch
from keras_iresnet.ops import maps
from keras_iresnet.ops.log_det import SeriesLogDet
from keras_iresnet.ops.series_terms import SeriesValue, series_terms
from keras_iresnet.ops.series_to_bias import SeriesToBias

TERMS = 12


@pytest.fixture(scope="module")
def branch():
    branch = ConvBranch(6, dtype="float64")
    branch.build((None, 3, 3, 2))
    return leave_identity(branch)


@pytest.fixture(scope="module")
def x():
    return tf.constant(np.random.default_rng(1).normal(size=(4, 3, 3, 2)))


@pytest.fixture(scope="module")
def traces(branch, x):
    """(TERMS, batch) of (-1)^(k+1) tr(J^k) / k, from dense Jacobians."""
    dense = jacobian(branch, x).numpy()
    powers = [np.linalg.matrix_power(dense, k) for k in range(1, TERMS + 1)]
    return np.array([(-1) ** (k + 1) / k * np.trace(power, axis1=1, axis2=2) for k, power in enumerate(powers, 1)])


def test_mean_of_every_term_is_its_trace(branch, x, traces):
    compiled = tf.function(lambda seed: series_terms(branch.as_map(), x, seed, num_terms=TERMS, num_probes=50))
    found = [compiled(tf.constant([seed, 0])) for seed in range(10)]
    terms = np.concatenate([one.terms.numpy() for one in found], 1)
    assert terms.shape == (TERMS, 500, 4)
    assert abs(traces[0]).max() > 0.3
    assert abs(traces[5]).max() > 1e-3
    assert_mean(np.swapaxes(terms, 0, 1), traces, errors=4.5)
    np.testing.assert_allclose(found[0].value, branch(x))


@pytest.mark.parametrize("num_terms", [1, 2, 7])
@pytest.mark.parametrize("num_probes", [1, 3])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.sweep(3)
def test_value_is_that_of_the_series_written_out(branch, x, num_terms, num_probes, compiled):
    def both(seed):
        g = branch.as_map()
        return SeriesValue(num_terms, num_probes)(g, x, seed), SeriesLogDet(num_terms, num_probes)(g, x, seed)

    looped, written_out = (tf.function(both) if compiled else both)(tf.constant([3, 4]))
    assert abs(written_out[1]).numpy().max() > 0.1
    np.testing.assert_allclose(looped[1], written_out[1], rtol=1e-12)
    np.testing.assert_allclose(looped[0], written_out[0], rtol=1e-12)


def test_a_branch_with_derivatives_by_tape_gives_the_same(branch, x):
    explicit = SeriesValue(6, 2)(branch.as_map(), x, (1, 2))[1]

    @tf.function
    def taped():
        return SeriesValue(6, 2)(maps.Taped(branch.as_map()), x, (1, 2))[1]

    np.testing.assert_allclose(taped(), explicit, rtol=1e-10)


def test_graph_does_not_grow_with_the_number_of_terms(branch, x):
    def operations(num_terms):
        traced = tf.function(lambda: SeriesValue(num_terms)(branch.as_map(), x, (1, 2))).get_concrete_function()
        return len(traced.graph.get_operations())

    assert operations(3) == operations(50)


def test_no_terms_are_refused():
    with pytest.raises(ValueError, match="Received: num_terms=0"):
        SeriesValue(0)


@pytest.mark.parametrize("nats", [1.0, 1e-2, 1e-6])
@pytest.mark.parametrize("num_probes", [1, 3])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.sweep(5)
def test_what_is_left_out_is_within_its_bound(branch, x, nats, num_probes, compiled):
    lip = float(np.linalg.svd(jacobian(branch, x).numpy(), compute_uv=False).max())
    counted = tf.Variable([0, 0, 0], dtype=tf.int64)
    estimator = SeriesToBias(nats, lip, num_probes, counted)

    def both(seed):
        g = branch.as_map()
        return estimator(g, x, seed), SeriesValue(300, num_probes)(g, x, seed)

    cut, whole = (tf.function(both) if compiled else both)(tf.constant([3, 4]))
    np.testing.assert_array_equal(cut[0], whole[0])
    assert abs(whole[1]).numpy().max() > 0.1
    assert abs(np.mean(cut[1] - whole[1])) <= nats
    terms, calls, products = counted.numpy()
    assert (calls, products) == (1, terms * num_probes * len(x))
    np.testing.assert_allclose(cut[1], SeriesValue(int(terms), num_probes)(branch.as_map(), x, (3, 4))[1], rtol=1e-9)


def test_a_tail_that_is_all_of_one_sign_comes_near_its_bound():
    """g = -L x: every term is -L^k D / k, every vector contracted by L."""
    lip, counted = 0.9, tf.Variable([0, 0, 0], dtype=tf.int64)
    g, x = maps.Scale(-lip), tf.zeros((2, 5), tf.float64)
    found = SeriesToBias(1e-3, lip, counted=counted)(g, x, (1, 2))[1]
    left_out = found - 5 * np.log(1 - lip)
    assert (left_out > 0).numpy().all()
    assert (left_out <= 1e-3).numpy().all()
    assert (left_out > 5e-4).numpy().all()
    terms = int(counted[0])
    assert 50 < terms < 80


@pytest.mark.parametrize("arguments", [(1e-3, 1.0), (1e-3, -0.1), (0.0, 0.5), (1e-3, float("nan"))])
def test_a_bound_that_proves_nothing_is_refused(arguments):
    with pytest.raises(ValueError, match="`lip` must lie in"):
        SeriesToBias(*arguments)
