"""A flow of rows begins as a Gaussian fit and speaks in the units of the columns."""

import numpy as np
import pytest
from generated_table import generated_table
from sklearn.mixture import GaussianMixture

import keras_iresnet as ki

ROWS = generated_table(1000).astype("float32")
SMALL = {"blocks": 2, "units": (8,), "seed": 0}


def test_it_begins_near_the_gaussian_of_the_rows():
    flow = ki.zoo.tabular_flow(8, **SMALL)
    flow.initialize(ROWS)
    gaussian = GaussianMixture(1).fit(ROWS / ROWS.std(0)).score(ROWS / ROWS.std(0)) - np.log(ROWS.std(0)).sum()
    assert flow.score(ROWS) > gaussian - 0.3


def test_density_is_that_of_the_columns_in_their_units():
    units = np.array([1e-3, 1, 10, 1e4, 1, 1, 1, 1], "float32")
    plain, scaled = (ki.zoo.tabular_flow(8, **SMALL) for _ in range(2))
    plain.initialize(ROWS)
    scaled.initialize(ROWS * units)
    difference = plain.score_samples(ROWS) - scaled.score_samples(ROWS * units)
    np.testing.assert_allclose(difference, np.log(units.astype(float)).sum(), atol=0.02)
    drawn = scaled.sample(500, seed=0).numpy() / units
    np.testing.assert_allclose(drawn.mean(0), ROWS.mean(0), atol=5 * ROWS.std(0).max() / np.sqrt(500))


def test_a_single_column_integrates_to_one():
    flow = ki.zoo.tabular_flow(1, **SMALL)
    flow.initialize(ROWS[:, :1])
    axis = np.linspace(-20, 20, 4001, dtype="float32")[:, None]
    assert np.exp(flow.score_samples(axis)).sum() * 0.01 == pytest.approx(1, abs=1e-3)


def test_no_columns_are_refused():
    with pytest.raises(ValueError, match=r"`features` must be at least 1. Received: features=0"):
        ki.zoo.tabular_flow(0)
