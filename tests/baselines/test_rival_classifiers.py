"""Classifiers on others' layers learn, and their features give the image back."""

import keras
import numpy as np
import pytest

import keras_iresnet as ki
from keras_iresnet.baselines import Coupling


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("glow_classifier", {"units": (4, 4), "pad_channels": 2}),
        ("glow_classifier", {"units": (4, 4), "affine": False, "mixing": "reverse"}),
        ("irevnet_classifier", {"pad_channels": 7}),
        pytest.param("neural_ode_classifier", {"units": (4,)}, marks=pytest.mark.slow),
    ],
)
def test_they_learn_and_their_features_give_the_image_back(name, options, tmp_path):
    blocks = (1, 1) if name == "neural_ode_classifier" else (2, 2)
    clf = getattr(ki.baselines, name)((4, 4, 1), 3, bins=5, blocks=blocks, seed=0, **options)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 96)
    images = np.clip(2 * labels[:, None, None, None] + rng.integers(-1, 2, (96, 4, 4, 1)), 0, 4).astype("uint8")
    clf.compile(keras.optimizers.Adam(0.01))
    history = clf.fit(images, labels, epochs=8, batch_size=32, verbose=0).history
    assert history["error_percent"][-1] < history["error_percent"][0]
    back, report = clf.invert(clf.features(images))
    np.testing.assert_array_equal(clf.to_images(back), images)
    assert report.converged.numpy().all()
    clf.save(tmp_path / "rival.keras")
    loaded = keras.saving.load_model(tmp_path / "rival.keras")
    np.testing.assert_allclose(loaded.predict_proba(images), clf.predict_proba(images), rtol=1e-4, atol=1e-5)


def test_bottlenecks_of_irevnet_are_a_quarter_of_what_they_change():
    clf = ki.baselines.irevnet_classifier((8, 8, 3), 10, blocks=(1, 2), pad_channels=29)
    couplings = [layer for layer in clf.layer._flatten_layers() if isinstance(layer, Coupling)]
    assert sorted(layer.units for layer in couplings) == [(4, 4), (16, 16), (16, 16)]
    assert sorted(layer.swap for layer in couplings) == [False, False, True]
    assert {layer.affine for layer in couplings} == {False}
    assert clf.feature_shape == (4, 4, 128)
