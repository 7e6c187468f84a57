import numpy as np
import pytest
import tensorflow as tf
from oracles import assert_mean, jacobian, leave_identity

from keras_iresnet.layers import ConvBranch
from keras_iresnet.ops import maps
from keras_iresnet.ops.log_det import SeriesLogDet
from keras_iresnet.ops.series_terms import SeriesValue, series_terms

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
