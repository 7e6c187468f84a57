"""A density does not depend on the unit that points were measured in, and neither does its training."""

import keras
import numpy as np
import pytest
import small_flows

import keras_iresnet as ki

POINTS = small_flows.points(64)
UNITS = {
    "small": np.array([1e-12, 1e-12]),
    "large": np.array([1e12, 1e12]),
    "mixed": np.array([1e-12, 1e12]),
    "a little smaller": np.array([0.1, 0.01]),
}


def train(points, optimizer="adam", **options):
    """Losses of some steps, in nats, and the flow after them."""
    flow = small_flows.point_flow(seed=1, **options)
    flow.layer.layers[1].branch.spectral_layers[-1].bias.assign([0.3, -0.2])
    flow.compile(keras.optimizers.Adam(0.01) if optimizer == "adam" else optimizer)
    keras.utils.set_random_seed(2)
    history = flow.fit(points, batch_size=16, epochs=3, verbose=0, shuffle=False)
    return np.array(history.history["loss"]), flow


@pytest.fixture(scope="module")
def plain():
    keras.utils.set_random_seed(1)
    return train(POINTS)


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.sweep(2)
def test_equal_points_in_other_units_train_alike(plain, name):
    unit = UNITS[name]
    keras.utils.set_random_seed(1)
    losses, flow = train((POINTS * unit).astype("float32"))
    assert plain[0][0] - plain[0][-1] > 0.02
    np.testing.assert_allclose(losses - np.log(unit).sum(), plain[0], atol=1e-4)
    density = flow.log_prob((POINTS * unit).astype("float32")) + np.log(unit).sum()
    np.testing.assert_allclose(density, plain[1].log_prob(POINTS), atol=1e-3)
    back = flow.inverse(flow.forward((POINTS * unit).astype("float32")))
    np.testing.assert_allclose(back / unit, POINTS, atol=1e-5)


def test_a_column_that_never_changes_is_known_in_any_unit():
    layer = ki.layers.ActNorm()
    x = np.concatenate([1e-9 * POINTS, np.full((64, 1), 3e-9)], 1).astype("float32")
    y = layer.initialize(x, points=True).numpy()
    np.testing.assert_allclose(y.std(0)[:2], 1, rtol=1e-3)
    np.testing.assert_allclose(y[:, 2], 0, atol=1e-6)
    assert layer.log_scale.numpy()[2] == 0


def test_points_of_no_ordinary_size_are_refused_where_nothing_brings_them_to_one():
    block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((8,)), estimator=ki.ExactLogDet())
    flow = ki.Flow(ki.layers.Chain([block]), (2,))
    flow.compile("adam")
    message = r"deviations from 1e-03 to 1e\+03, or `ActNorm` must be the first .* Received: deviations from \d.*e-10"
    with pytest.raises(ValueError, match=message):
        flow.fit(1e-9 * POINTS, verbose=0)
    assert not flow.initialized
