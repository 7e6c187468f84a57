"""Other flows keep to the interface of ours, and are densities."""

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.baselines import Autoregressive, Coupling, Mixing

POINTS = {
    "nice": {"blocks": 3, "units": (8,)},
    "real_nvp": {"blocks": 3, "units": (8,)},
    "glow": {"blocks": 2, "units": (8,)},
    "made": {"units": (8,)},
    "maf": {"blocks": 2, "units": (8,)},
}
IMAGES = {name: options | {"units": (8, 8)} for name, options in POINTS.items()}


def built(name, event_shape, options, bins=None):
    keras.utils.set_random_seed(1)
    flow = getattr(ki.baselines, name)(event_shape, bins=bins, seed=1, **options)
    oracles.leave_identity(flow.layer)
    return flow


@pytest.mark.parametrize("name", POINTS)
def test_a_log_det_of_zero_would_be_seen(name):
    flow = built(name, (5,), POINTS[name])
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 5)), tf.float32)
    expected = oracles.log_abs_det(oracles.jacobian(flow.layer, x))
    assert np.abs(expected).min() > 0.1
    np.testing.assert_allclose(flow.forward_and_log_det(x)[1], expected, rtol=1e-3, atol=1e-4)
    flow.prior.loc.assign(np.arange(5) / 5)
    at = flow.forward(x).numpy() - np.arange(5) / 5
    gaussian = -0.5 * (at**2).sum(1) - 2.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(flow.log_prob(x), gaussian + expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", IMAGES)
def test_images_are_inverted_sampled_saved_and_trained(name, tmp_path):
    options = dict(IMAGES[name])
    if name in ("nice", "real_nvp", "glow"):
        options["blocks"] = (1, 1)
    flow = getattr(ki.baselines, name)((8, 8, 1), bins=17, seed=1, **options)
    images = np.random.default_rng(0).integers(0, 17, (64, 8, 8, 1), dtype=np.uint8)
    flow.compile("adam")
    before = flow.fit(images, epochs=1, batch_size=32, verbose=0).history["bits_per_dim"][0]
    after = flow.fit(images, epochs=8, batch_size=32, verbose=0).history["bits_per_dim"][-1]
    assert after < before
    x = flow.to_data(images[:4], seed=1)
    np.testing.assert_allclose(flow.inverse(flow.forward(x)), x, atol=1e-3)
    assert flow.sample(2, seed=1).shape == (2, 8, 8, 1)
    flow.save(tmp_path / "flow.keras")
    again = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_allclose(again.log_prob(x), flow.log_prob(x), rtol=1e-5)
    np.testing.assert_allclose(flow.bijector.forward(x), flow.forward(x), atol=1e-4)


def test_each_is_made_of_what_its_paper_says():
    def parts(flow, kind):
        return [layer for layer in flow.layer._flatten_layers() if isinstance(layer, kind)]

    assert {layer.affine for layer in parts(ki.baselines.nice((4,)), Coupling)} == {False}
    assert {layer.affine for layer in parts(ki.baselines.real_nvp((4,)), Coupling)} == {True}
    assert len(parts(ki.baselines.glow((4,), blocks=3), Mixing)) == 3
    assert not parts(ki.baselines.glow((4,), mixing="reverse"), Mixing)
    assert len(parts(ki.baselines.made((4,)), Autoregressive)) == 1
    orders = [layer.reverse for layer in parts(ki.baselines.maf((4,), blocks=4), Autoregressive)]
    assert sorted(orders) == [False, False, True, True]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (((4,),), {"bins": 17}, "Images have `bins`"),
        (((4, 4, 1),), {}, "Images have `bins`"),
        (((4,),), {"blocks": (1, 1)}, "must be one number"),
    ],
)
def test_what_cannot_be_is_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        ki.baselines.real_nvp(*arguments, **options)
    with pytest.raises(ValueError, match="'lu' or 'reverse'"):
        ki.baselines.glow((4,), mixing="shuffle")
