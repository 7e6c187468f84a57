import numpy as np
import pytest
import tensorflow as tf
from oracles import assert_mean

from keras_iresnet.ops import maps
from keras_iresnet.ops.balanced_signs import balanced_signs, codes, group_signs
from keras_iresnet.ops.series_to_bias import SeriesToBias

SHAPE = (4, 4, 3)
SIZE = 48


@pytest.mark.parametrize("shape", [SHAPE, (7, 5, 2), (2, 2, 16), (13,), (3, 4)])
def test_every_coordinate_has_a_code_of_its_own(shape):
    assert len(set(codes(shape).tolist())) == np.prod(shape)


@pytest.mark.parametrize("rows", [4, 16, 32])
def test_products_of_coordinates_cancel_unless_the_last_bits_agree(rows):
    code = codes(SHAPE)
    signs = group_signs((1, 2), rows, 1, tf.zeros((rows, *SHAPE), tf.float64))
    assert len(np.unique(signs, axis=0)) == 1
    v = balanced_signs(signs, code, tf.range(rows)).numpy()
    assert set(np.unique(v)) == {-1.0, 1.0}
    agree = (code[:, None] - code) % rows == 0
    np.testing.assert_array_equal(np.abs(v.T @ v / rows), agree)


def test_groups_and_probes_have_signs_of_their_own():
    signs = group_signs((1, 2), 4, 2, tf.zeros((10, *SHAPE))).numpy().reshape(2, 10, SIZE)
    assert len(np.unique(signs.reshape(20, SIZE), axis=0)) == 6  # groups of 4, 4 and 2, twice
    np.testing.assert_array_equal(signs[0, 4], signs[0, 7])


def _far_from_diagonal():
    matrix = np.random.default_rng(0).normal(size=(SIZE, SIZE)) + 2 * np.eye(SIZE)
    return tf.constant(0.6 * matrix / np.linalg.norm(matrix, 2))


def _estimates(estimator, x, draws):
    g = maps.Dense(_far_from_diagonal())
    run = tf.function(lambda seed: estimator(g, x, seed)[1])
    return np.stack([run(tf.constant([seed, 5])).numpy() for seed in range(draws)])


@pytest.mark.parametrize(("group", "heads", "num_probes"), [(8, 1, 1), (8, 4, 1), (3, 2, 2), (1, 3, 1)])
def test_each_example_has_the_right_mean(group, heads, num_probes):
    found = _estimates(
        SeriesToBias(1e-9, 0.61, num_probes, group=group, heads=heads), tf.zeros((8, SIZE), tf.float64), 200
    )
    exact = np.linalg.slogdet(np.eye(SIZE) + _far_from_diagonal().numpy())[1]
    assert abs(exact) > 0.1
    assert_mean(found, np.full(8, exact), errors=4.5)


def test_a_whole_group_of_one_matrix_has_no_variance_and_heads_have_less():
    x = tf.zeros((64, SIZE), tf.float64)
    plain, whole = (_estimates(SeriesToBias(1e-9, 0.61, group=group), x, 30).mean(1) for group in (1, 64))
    exact = np.linalg.slogdet(np.eye(SIZE) + _far_from_diagonal().numpy())[1]
    np.testing.assert_allclose(whole, exact, atol=1e-8)
    assert plain.std() > 0.01
    few = _estimates(SeriesToBias(1e-9, 0.61, group=64, heads=4), x, 30).mean(1)
    np.testing.assert_allclose(few, exact, atol=1e-8)  # the chain's vectors are balanced as if there were no heads
    one, many = (_estimates(SeriesToBias(1e-9, 0.61, heads=heads), x[:8], 60) for heads in (1, 16))
    assert many.var() < one.var() / 4


def test_heads_may_change_between_calls_of_one_graph_and_are_counted():
    heads, counted = tf.Variable(1), tf.Variable([0, 0, 0], dtype=tf.int64)
    estimator = SeriesToBias(1e-3, 0.61, heads=heads, counted=counted)
    run = tf.function(lambda: estimator(maps.Dense(_far_from_diagonal()), tf.zeros((5, SIZE), tf.float64), (1, 2))[1])
    found = []
    for count in (1, 7):
        heads.assign(count)
        counted.assign([0, 0, 0])
        fixed = SeriesToBias(1e-3, 0.61, heads=count)
        np.testing.assert_allclose(
            run(), fixed(maps.Dense(_far_from_diagonal()), tf.zeros((5, SIZE), tf.float64), (1, 2))[1], rtol=1e-12
        )
        found.append(counted.numpy().tolist())
        assert f"heads={count}, depth=1)" in repr(estimator)
    (terms, _, products), (_, _, more) = found
    assert (products, more) == (5 * terms, 5 * (terms + 7))


@pytest.mark.parametrize("name", ["group", "heads", "num_probes"])
def test_no_vectors_are_refused(name):
    with pytest.raises(ValueError, match=f"Received: {name}=0"):
        SeriesToBias(1e-3, 0.5, **{name: 0})
