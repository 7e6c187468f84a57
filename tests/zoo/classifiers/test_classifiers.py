"""Classifiers of the zoo: their architecture, their ways to be unconstrained, their inverse."""

import keras
import numpy as np
import pytest

import keras_iresnet as ki
from keras_iresnet import data
from keras_iresnet.layers import ActNorm, InjectivePad, InvertibleResidualBlock, Squeeze

TINY = {"blocks": (1, 1), "channels": 8}
IMAGES, LABELS = data.digits.load_arrays()


def blocks_of(clf):
    return [layer for layer in clf.layer.layers if isinstance(layer, InvertibleResidualBlock)]


def test_cifar10_classifier_has_the_authors_parameters():
    assert (
        ki.zoo.get("cifar10_classifier").record.parameters == 4_905_946 - 32_768
    )  # less the prior that theirs carries


def test_layers_stand_in_the_authors_order():
    clf = ki.zoo.image_classifier((8, 8, 3), 10, blocks=(2, 1), channels=(4, 6), strides=(1, 2), pad_channels=13)
    kinds = [type(layer) for layer in clf.layer.layers]
    block = [ActNorm, InvertibleResidualBlock]
    assert kinds == [ActNorm, InjectivePad, *block, *block, Squeeze, *block]
    assert clf.feature_shape == (4, 4, 64)
    widths = [layer.kernel.shape[2:] for block in blocks_of(clf) for layer in block.branch.spectral_layers]
    assert widths == [(16, 4), (4, 4), (4, 16)] * 2 + [(64, 6), (6, 6), (6, 64)]
    assert [block.branch.preactivate for block in blocks_of(clf)] == [False, True, True]


BATCH_NORMALIZED = pytest.param({"coeff": None, "normalization": "batch"}, marks=pytest.mark.slow)


@pytest.mark.parametrize("options", [{}, {"coeff": None}, BATCH_NORMALIZED])
def test_it_trains_is_saved_and_inverted(options, tmp_path):
    clf = ki.zoo.digits_classifier(**TINY, **options, seed=0)
    clf.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    history = clf.fit(IMAGES[:512], LABELS[:512], batch_size=64, epochs=3, verbose=0).history
    assert history["error_percent"][-1] < 50 < history["error_percent"][0] + 20
    clf.save(tmp_path / "c.keras")
    loaded = keras.saving.load_model(tmp_path / "c.keras")
    np.testing.assert_allclose(loaded(IMAGES[:9]), clf(IMAGES[:9]), rtol=1e-6, atol=1e-6)
    images, report = loaded.invert(loaded.features(IMAGES[:9]))
    assert images.shape == (9, 8, 8, 1)
    if not options:  # without a bound the iteration may run away, or end at another image with the same features
        assert report.converged.numpy().all()
        np.testing.assert_allclose(images, IMAGES[:9] / 16, atol=1e-4)


def test_only_a_bound_is_certified():
    sizes = {**TINY, "coeff": 0.5}
    assert ki.certify(ki.zoo.digits_classifier(**sizes)).bound == pytest.approx(0.125, rel=0.05)
    report = ki.certify(ki.zoo.digits_classifier(**TINY, coeff=None, normalization="batch"))
    assert not report.invertible
    assert "no bound of a BatchNormalization" in report.blocks[0].reason


def test_batch_normalisation_stands_before_each_nonlinearity():
    clf = ki.zoo.digits_classifier(**TINY, coeff=None, normalization="batch")
    first, second = (block.branch for block in blocks_of(clf))
    conv, pair = ["SpectralConv2D"], ["BatchNormalization", "LipschitzActivation"]
    assert [type(part).__name__ for part in first.layers] == conv + 2 * (pair + conv)
    assert [type(part).__name__ for part in second.layers] == 3 * (pair + conv)
    assert all(layer.coeff is None for layer in clf._flatten_layers() if hasattr(layer, "coeff"))
    assert sum(isinstance(layer, ActNorm) for layer in clf.layer.layers) == 1  # the one that standardises


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalization": "layer"}, "one of act, batch, none. Received: normalization='layer'"),
        ({"normalization": "batch"}, "Received: coeff=0.9"),
        ({"normalization": "batch", "coeff": None, "dropout": 0.1}, "dropout=0.1"),
        ({"coeff": 1.0}, "Received: coeff=1.0"),
        ({"blocks": ()}, "`blocks` must hold one number"),
        ({"channels": (8,)}, "`channels` must be one integer, or one for each of 2 scales"),
        ({"strides": (2, 2, 2)}, "`strides` must be 1 or 2"),
        ({"pad_channels": -1}, "Received: channels=-1"),
    ],
)
def test_bad_keywords_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ki.zoo.digits_classifier(**{**TINY, **options})


def test_seed_fixes_the_weights():
    first, second, other = (ki.zoo.digits_classifier(**TINY, seed=seed)(IMAGES[:4]) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, other)
