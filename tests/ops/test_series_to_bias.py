"""Where the vectors go: heads for the leading terms, a chain for the others, none for a trace that is known."""

import numpy as np
import pytest
import tensorflow as tf
from oracles import assert_mean, jacobian, leave_identity, log_abs_det

from keras_iresnet.layers import ConvBranch
from keras_iresnet.ops import maps
from keras_iresnet.ops.odd_series import odd
from keras_iresnet.ops.series_to_bias import SeriesToBias

DRAWS = 120


def _case(**options):
    """A map, points and the Jacobians there."""
    branch = ConvBranch(6, dtype="float64", **options)
    branch.build((None, 4, 4, 2))
    g, x = leave_identity(branch).as_map(), tf.constant(np.random.default_rng(1).normal(size=(4, 4, 4, 2)))
    return g, x, jacobian(g, x).numpy()


@pytest.fixture(scope="module")
def known():
    return _case(preactivate=False)


@pytest.fixture(scope="module")
def unknown():
    return _case()


def _estimates(case, kind=lambda estimator: estimator, hidden=False, **options):
    """(DRAWS, batch), and products for each example; as if nothing were known of the structure where it is hidden."""
    g, x, dense = case
    counted = tf.Variable([0, 0, 0], dtype=tf.int64)
    estimator = kind(SeriesToBias(1e-7, float(np.linalg.norm(dense, 2, (1, 2)).max()), counted=counted, **options))
    g = maps.Composition([g, maps.Elementwise(lambda x: (x, tf.ones_like(x)))]) if hidden else g
    run = tf.function(lambda seed: estimator(g, x, seed)[1], autograph=False)
    found = np.stack([run(tf.constant([seed, 3])).numpy() for seed in range(DRAWS)])
    terms, calls, products = counted.numpy()
    return found, terms / calls, products / (DRAWS * len(x))


def _exact(dense):
    return log_abs_det(np.eye(dense.shape[-1]) + dense)


@pytest.mark.parametrize(("heads", "depth"), [(1, 1), (4, 1), (4, 2)])
def test_a_known_trace_takes_the_place_of_the_first_term(known, heads, depth):
    assert np.abs(_exact(known[2])).min() > 0.3
    found, terms, products = _estimates(known, heads=heads, depth=depth)
    plain, _, more = _estimates(known, heads=heads, depth=depth, hidden=True)
    for one in (found, plain):
        assert_mean(one, _exact(known[2]), errors=4.5)
    assert found.var(0).mean() < plain.var(0).mean() / 3
    assert more == pytest.approx(terms + (heads > 1) * heads * depth)
    assert products == pytest.approx(terms + 1 + (8 if depth == 2 else 0))  # heads for a known term alone are not drawn


def test_heads_of_depth_2_take_the_second_term_too(unknown):
    """Of 32 coordinates 32 balanced vectors leave nothing of both leading terms: what is left is the others'."""
    one, terms, _ = _estimates(unknown, heads=32)
    all_of_them, _, products = _estimates(unknown, heads=32, depth=2)
    for found in (one, all_of_them):
        assert_mean(found, _exact(unknown[2]), errors=4.5)
    assert products == pytest.approx(terms + 64)
    dense = unknown[2]
    leading = np.trace(dense - dense @ dense / 2, axis1=1, axis2=2)
    assert all_of_them.var(0).mean() < one.var(0).mean() / 3
    assert abs(_exact(dense) - leading).max() > 1e-3


def test_the_odd_series_knows_it_too(known):
    eye = np.eye(32)
    expected = log_abs_det(eye - known[2]) - _exact(known[2])
    assert np.abs(expected).min() > 0.3
    found, terms, products = _estimates(known, odd, heads=4)
    plain, _, more = _estimates(known, odd, heads=4, hidden=True)
    assert_mean(found, expected, errors=4.5)
    assert found.var(0).mean() < plain.var(0).mean() / 2
    assert (products, more) == (pytest.approx(terms + 1), pytest.approx(terms + 4))


def test_several_probes_share_what_is_known(known):
    found, terms, products = _estimates(known, num_probes=3)
    assert_mean(found, _exact(known[2]), errors=4.5)
    assert products == pytest.approx(3 * terms + 1)


def test_another_depth_is_refused():
    with pytest.raises(ValueError, match=r"`depth` must be 1 or 2\. Received: depth=3"):
        SeriesToBias(1e-3, 0.5, depth=3)
