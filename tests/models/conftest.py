"""Flows that several files look at."""

import keras
import oracles
import pytest
import small_flows


@pytest.fixture(scope="session")
def trained():
    """A float64 flow over images after some epochs of training, with the history of the fit."""
    keras.utils.set_random_seed(3)  # a session's fixtures come before the seed of each test
    flow = small_flows.in_precision("float64", small_flows.image_flow, seed=3)
    flow.compile(keras.optimizers.Adam(0.02))
    history = flow.fit(small_flows.images(), epochs=12, batch_size=32, verbose=0)
    return flow, history.history


@pytest.fixture(scope="session")
def point_flow():
    """A float64 flow over points, far from the identity."""
    keras.utils.set_random_seed(3)
    flow = small_flows.in_precision("float64", small_flows.point_flow)
    return oracles.leave_identity(flow)


@pytest.fixture
def fresh():
    """A float32 flow over points, neither initialised nor trained; it runs eagerly where nothing is said."""
    flow = small_flows.point_flow(seed=1)
    flow.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    return flow
