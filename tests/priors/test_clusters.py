"""Where mixtures begin."""

import numpy as np

from keras_iresnet.priors.clusters import clustered


def test_one_cluster_has_the_moments_of_the_points():
    points = np.random.default_rng(0).normal(size=(300, 3)) * [1, 4, 0.2] + [5, 0, -2]
    centres, shares, deviations, factors = clustered(points, 1, 0)
    np.testing.assert_allclose(centres, points.mean(0)[None], rtol=1e-10)
    np.testing.assert_array_equal(shares, [1.0])
    np.testing.assert_allclose(deviations, points.std(0, ddof=1), rtol=1e-10)
    assert factors.shape == (1, 3, 0)


def test_a_dimension_that_never_changes_has_a_deviation():
    points = np.random.default_rng(0).normal(size=(50, 2)) * [1, 0]
    deviations = clustered(points, 2, 0)[2]
    assert deviations[1] == 1e-6
    assert deviations[0] > 0.1


def test_factors_and_deviations_together_are_the_covariance():
    rng = np.random.default_rng(0)
    direction, own = rng.normal(size=40), np.exp(0.3 * rng.normal(size=40))
    points = rng.normal(size=(20_000, 1)) * direction + rng.normal(size=(20_000, 40)) * own
    _, _, deviations, factors = clustered(points, 1, 1)
    found = np.diag(deviations) @ (np.eye(40) + factors[0] @ factors[0].T) @ np.diag(deviations)
    expected = np.diag(own**2) + np.outer(direction, direction)
    # One standard error of an entry is at most sqrt(2 / 20,000) of the largest, 1 %; there are 820 of them.
    np.testing.assert_allclose(found, expected, atol=0.04 * expected.max())
    np.testing.assert_allclose(deviations, own, rtol=0.03)
