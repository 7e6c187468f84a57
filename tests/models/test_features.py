import keras
import numpy as np
import pytest
import small_classifiers
import small_flows

from keras_iresnet.models.features import Features

IMAGES = small_flows.images(32)
LABELS = (IMAGES.mean((1, 2, 3)) > 2).astype("int64")


@pytest.fixture
def clf():
    model = small_classifiers.classifier()
    model.initialize(IMAGES)
    return model


@pytest.fixture
def on_top(clf):
    """A model of one's own on the frozen features of a classifier."""
    clf.feature_extractor.trainable = False
    images = keras.Input(small_flows.IMAGE_SHAPE, dtype="uint8")
    pooled = keras.layers.GlobalAveragePooling2D()(clf.features(images))
    model = keras.Model(images, keras.layers.Dense(2)(pooled))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.1), loss, run_eagerly=True)
    return model


def test_symbolic_features_are_those_of_arrays(clf):
    images = keras.Input(small_flows.IMAGE_SHAPE, dtype="uint8")
    model = keras.Model(images, clf.features(images))
    assert model.output_shape == (None, *clf.feature_shape)
    np.testing.assert_allclose(model(IMAGES), clf.features(IMAGES), rtol=1e-6)


def test_transfer_learning_trains_what_is_on_top_alone(clf, on_top):
    before, features = clf.layer.get_weights(), clf.features(IMAGES)
    losses = on_top.fit(IMAGES, LABELS, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0] - 0.01
    for old, weight in zip(before, clf.layer.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, old)
    np.testing.assert_array_equal(clf.features(IMAGES), features)


def test_it_is_saved_and_loaded(on_top, tmp_path):
    on_top.save(tmp_path / "x.keras")
    loaded = keras.saving.load_model(tmp_path / "x.keras")
    np.testing.assert_allclose(loaded(IMAGES), on_top(IMAGES), rtol=1e-5, atol=1e-6)
    assert any(isinstance(layer, Features) for layer in loaded.layers)


def test_bad_images_are_refused(clf):
    with pytest.raises(ValueError, match=r"must lie in \[0, bins\) with bins=5"):
        clf.feature_extractor(IMAGES + np.uint8(3))
