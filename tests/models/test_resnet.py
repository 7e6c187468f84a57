"""The baseline without an inverse."""

import json

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import keras_iresnet as ki
from keras_iresnet.models.resnet import BottleneckResNet

IMAGES, LABELS = load_digits().images.astype("uint8")[..., None], load_digits().target


def test_config_holds_json_and_gives_the_layer_back():
    layer = BottleneckResNet((1, 2), (3, 4))
    config = json.loads(json.dumps(layer.get_config()))
    again = BottleneckResNet.from_config(config)
    assert (again.blocks, again.channels) == ((1, 2), (3, 4))
    x = np.ones((2, 6, 6, 2), "float32")
    assert tuple(again(x).shape) == tuple(again.compute_output_shape(x.shape)) == (2, 3, 3, 16)


def test_resnet_164_has_164_layers_of_its_authors_size():
    backbone = BottleneckResNet((18, 18, 18), (16, 32, 64))
    backbone.build((None, 32, 32, 3))
    kernels = [weight for weight in backbone.trainable_weights if weight.name == "kernel"]
    shortcuts = [unit.shortcut for unit in backbone.units if unit.shortcut]
    assert len(kernels) - len(shortcuts) + 1 == 164  # with the classifier's dense layer
    assert len(shortcuts) == 3
    assert backbone.compute_output_shape((None, 32, 32, 3)) == (None, 8, 8, 256)


@pytest.fixture(scope="module")
def trained():
    clf = ki.zoo.resnet164_classifier("digits", blocks=(1, 1), channels=8, seed=0)
    clf.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    before = [weight.numpy() for weight in clf.trainable_variables]
    history = clf.fit(IMAGES[:640], LABELS[:640], batch_size=64, epochs=4, verbose=0).history
    return clf, history, before


def test_it_trains_every_weight(trained):
    clf, history, before = trained
    assert history["error_percent"][-1] < 25
    for old, weight in zip(before, clf.trainable_variables, strict=True):
        assert np.abs(weight.numpy() - old).max() > 0, weight.path


def test_saved_and_loaded_it_is_the_same(trained, tmp_path):
    clf, *_ = trained
    clf.save(tmp_path / "resnet.keras")
    loaded = keras.saving.load_model(tmp_path / "resnet.keras")
    np.testing.assert_allclose(loaded(IMAGES[:9]), clf(IMAGES[:9]), rtol=1e-5, atol=1e-5)


def test_channels_are_standardised(trained):
    standardized = trained[0].layer.standardize((IMAGES[:640] / 16).astype("float32")).numpy()
    assert standardized.mean() == pytest.approx(0, abs=1e-4)
    assert standardized.std() == pytest.approx(1, abs=1e-4)


def test_it_has_no_inverse_and_says_so(trained):
    clf, *_ = trained
    assert not clf.has_inverse
    with pytest.raises(ValueError, match=r"must be invertible to be inverted\. Received: BottleneckResNet"):
        clf.invert(clf.features(IMAGES[:2]))
    assert not ki.certify(clf).blocks


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match=r"one number for each scale\. Received: blocks=\(1, 1\), channels=\(4,\)"):
        BottleneckResNet((1, 1), (4,))
    with pytest.raises(ValueError, match=r"`dataset` must be one of cifar10, .*Received: dataset='imagenet'"):
        ki.zoo.resnet164_classifier("imagenet")
