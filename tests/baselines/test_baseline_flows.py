"""Other flows keep to the interface of ours, and are densities."""

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from small_flows import in_precision

import keras_iresnet as ki
from keras_iresnet.baselines import Autoregressive, Coupling, Mixing

POINTS = {
    "nice": {"blocks": 3, "units": (8,)},
    "real_nvp": {"blocks": 3, "units": (8,)},
    "glow": {"blocks": 2, "units": (8,)},
    "irevnet": {"blocks": 3, "units": (8,)},
    "made": {"units": (8,)},
    "maf": {"blocks": 2, "units": (8,)},
}
IMAGES = POINTS | {
    "real_nvp": {"blocks": (1, 1), "units": (8, 8)},
    "glow": {"blocks": (1, 1), "units": (8, 8)},
    "irevnet": {"blocks": (2, 2), "units": (8, 8)},
}


def built(name, event_shape, options, bins=None, dtype="float64"):
    """Every weight some way from where it began."""
    flow = in_precision(dtype, getattr(ki.baselines, name), event_shape=event_shape, bins=bins, seed=1, **options)
    rng = np.random.default_rng(0)
    for weight in flow.layer.trainable_weights:
        weight.assign(weight.numpy() + 0.6 * rng.normal(size=weight.shape) / np.sqrt(max(1, weight.shape[0])))
    return flow


@pytest.mark.parametrize("name", POINTS)
def test_a_log_det_of_zero_would_be_seen(name):
    flow = built(name, (5,), POINTS[name])
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 5)))
    expected = oracles.log_abs_det(oracles.jacobian(flow.layer, x))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(flow.forward_and_log_det(x)[1], expected, rtol=1e-9)
    flow.prior.loc.assign(np.arange(5) / 5)
    at = flow.forward(x).numpy() - np.arange(5) / 5
    gaussian = -0.5 * (at**2).sum(1) - 2.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(flow.log_prob(x), gaussian + expected, rtol=1e-9)
    np.testing.assert_allclose(flow.inverse(flow.forward(x)), x, atol=1e-9)


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.sweep(3)
def test_log_det_of_images_is_that_of_the_jacobian(name):
    flow = built(name, (4, 4, 1), IMAGES[name], bins=5)
    x = tf.constant(np.random.default_rng(1).uniform(0.1, 0.9, (2, 4, 4, 1)))
    z, log_det = flow.forward_and_log_det(x)
    np.testing.assert_allclose(log_det, oracles.log_abs_det(oracles.jacobian(flow.forward, x)), rtol=1e-9)
    np.testing.assert_allclose(flow.inverse(z), x, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_images_are_inverted_sampled_saved_and_trained(name, tmp_path):
    flow = getattr(ki.baselines, name)((8, 8, 1), bins=17, seed=1, **IMAGES[name])
    images = np.random.default_rng(0).integers(0, 17, (64, 8, 8, 1), dtype=np.uint8)
    flow.compile("adam")
    history = flow.fit(images, epochs=9, batch_size=32, verbose=0).history["bits_per_dim"]
    assert history[-1] < history[0]
    x = flow.to_data(images[:4], seed=1)
    np.testing.assert_allclose(flow.inverse(flow.forward(x)), x, atol=1e-3)
    assert flow.sample(2, seed=1).shape == (2, 8, 8, 1)
    flow.save(tmp_path / "flow.keras")
    again = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_allclose(again.log_prob(x), flow.log_prob(x), rtol=1e-5)
    np.testing.assert_allclose(flow.bijector.forward(x), flow.forward(x), atol=1e-4)


def test_a_continuous_flow_is_saved_and_gives_points_back(tmp_path):
    flow = built("ffjord", (2,), {"blocks": 1, "units": (6,)}, dtype="float32")
    x = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")
    flow.save(tmp_path / "flow.keras")
    again = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_allclose(again.log_prob(x), flow.log_prob(x), rtol=1e-5)
    back, report = again.inverse_and_report(flow.forward(x))
    np.testing.assert_allclose(back, x, atol=1e-3)
    assert int(report.steps[0]) > 6


@pytest.mark.slow  # the solvers of two scales and their adjoints are traced for a minute
@pytest.mark.parametrize(("shape", "bins", "blocks"), [((3,), None, 1), ((4, 4, 1), 5, (1, 1))])
def test_a_continuous_flow_trains(shape, bins, blocks):
    flow = ki.baselines.ffjord(shape, bins=bins, blocks=blocks, units=(5,), seed=0)
    rng = np.random.default_rng(0)
    x = rng.exponential(1, (60, *shape)).astype("float32") if bins is None else rng.integers(0, bins, (60, *shape))
    flow.compile(keras.optimizers.Adam(0.01))
    history = flow.fit(x, epochs=6, batch_size=20, verbose=0).history
    (figure,) = {"nats", "bits_per_dim"} & set(history)
    assert history[figure][-1] < history[figure][0]
    assert flow.sample(2, seed=1).shape == (2, *shape)


@pytest.mark.parametrize("name", ["nice", "made"])
def test_columns_have_their_ranges(name):
    flow = getattr(ki.baselines, name)((3,), positive=(1,), bounds=((0, -5, 11),), **POINTS[name])
    outside = np.array([[0.0, -1.0, 0.0], [12.0, 1.0, 0.0], [3.0, 1.0, 0.0]], "float32")
    assert np.isfinite(flow.log_prob(outside, 0)).tolist() == [False, False, True]
    samples = flow.sample(200, 0).numpy()
    assert samples[:, 1].min() > 0
    assert samples[:, 0].min() > -5
    assert samples[:, 0].max() < 11


def test_each_is_made_of_what_its_paper_says():
    def parts(flow, kind):
        return [layer for layer in flow.layer._flatten_layers() if isinstance(layer, kind)]

    small = {name: getattr(ki.baselines, name)((4,), **options) for name, options in POINTS.items()}
    assert {layer.affine for layer in parts(small["nice"], Coupling)} == {False}
    assert {layer.affine for layer in parts(small["irevnet"], Coupling)} == {False}
    assert {layer.affine for layer in parts(small["real_nvp"], Coupling)} == {True}
    assert len(parts(small["glow"], Mixing)) == 2
    assert not parts(ki.baselines.glow((4,), mixing="reverse", **POINTS["glow"]), Mixing)
    assert len(parts(small["made"], Autoregressive)) == 1
    assert [layer.reverse for layer in parts(small["maf"], Autoregressive)].count(True) == 1
    masks = [layer.mask for layer in parts(ki.baselines.real_nvp((8, 8, 1), bins=17, **IMAGES["real_nvp"]), Coupling)]
    assert sorted(masks) == ["checkerboard"] * 3 + ["halves"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ki.baselines.made((4,), bins=17, units=(4,)), "Images have `bins`"),
        (lambda: ki.baselines.maf((4, 4, 1), blocks=1, units=(4,)), "Images have `bins`"),
        (lambda: ki.baselines.made((4, 4, 1), bins=4, units=(4,), positive=(0,)), r"positive=\(0,\)"),
        (lambda: ki.baselines.real_nvp((4,), blocks=0), "blocks=0"),
        (lambda: ki.baselines.glow((4,), mixing="shuffle"), "'lu' or 'reverse'"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
