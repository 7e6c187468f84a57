"""Norms of layers against dense singular values of operators written out tap by tap."""

import keras
import matplotlib.image
import numpy as np
import oracles
import pytest

import keras_iresnet as ki
from keras_iresnet.evaluation.layer_norms import layer_norms, operator_norm
from keras_iresnet.layers import SpectralConv2D, SpectralDense
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.studies.singular_values import save_picture

TINY = {"blocks": (1, 1), "channels": 6}


def spectral_layers(clf):
    return [layer for block in clf.layer.layers if hasattr(block, "branch") for layer in block.branch.spectral_layers]


@pytest.fixture
def clf():
    """A classifier whose running sigmas are far off, so that norms stand above the bound."""
    clf = ki.zoo.digits_classifier(**TINY, seed=0)
    rng = np.random.default_rng(0)
    for layer in spectral_layers(clf):
        layer.kernel.assign(rng.normal(size=layer.kernel.shape))
        u = rng.normal(size=layer.u.shape)
        layer.u.assign(u / np.linalg.norm(u))
    return clf


def test_norms_are_those_of_the_kernels_that_evaluation_uses(clf):
    found = layer_norms(clf)
    layers = spectral_layers(clf)
    assert [norm.layer for norm in found] == [f"block {i}, layer {j}" for i in range(2) for j in range(3)]
    expected = [oracles.operator_norm(layer, layer.normalized_kernel()) for layer in layers]
    np.testing.assert_allclose([norm.norm for norm in found], expected, rtol=1e-6)
    assert min(expected) > 1.01 * 0.9
    assert not any(norm.holds for norm in found)
    assert all(norm.bound > norm.norm * (1 - 1e-9) for norm in found)
    for layer in layers:
        layer.converge()
    assert all(norm.holds for norm in layer_norms(clf))
    assert max(norm.norm for norm in layer_norms(clf)) > 0.899


@pytest.mark.parametrize("layer", [SpectralConv2D(5, 3, coeff=None), SpectralConv2D(3, 3, coeff=None)])
def test_lanczos_finds_the_dense_value(layer):
    layer.build((None, 7, 6, 4))
    kernel = np.random.default_rng(1).normal(size=layer.kernel.shape)
    expected = oracles.operator_norm(layer, kernel)
    dense, iterated = operator_norm(layer, kernel), operator_norm(layer, kernel, dense_side=1)
    assert (dense[1], iterated[1]) == ("dense", "lanczos")
    assert dense[0] == pytest.approx(expected, rel=1e-9)
    assert iterated[0] == pytest.approx(expected, rel=1e-7)


def test_matrices_have_their_own_norm():
    dense, pointwise = SpectralDense(5, coeff=None), SpectralConv2D(5, 1, coeff=None)
    dense.build((None, 4))
    pointwise.build((None, 6, 6, 4))
    matrix = np.random.default_rng(0).normal(size=(4, 5))
    expected = (pytest.approx(np.linalg.svd(matrix)[1][0], rel=1e-12), "dense")
    assert operator_norm(dense, matrix) == operator_norm(pointwise, matrix[None, None]) == expected


def test_batch_normalisation_is_folded_into_the_layer_before_it():
    clf = ki.zoo.digits_classifier(**TINY, coeff=None, normalization="batch", seed=0)
    rng = np.random.default_rng(0)
    norms = [layer for layer in clf._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.gamma.assign(rng.uniform(0.5, 2, layer.gamma.shape))
        layer.moving_variance.assign(rng.uniform(0.1, 4, layer.gamma.shape))
    found = layer_norms(clf)
    assert [norm.folded_norm is None for norm in found] == [False, False, True] * 2
    assert all(norm.coeff is None and norm.holds is None for norm in found)
    conv, after = clf.layer.layers[3].branch.layers[:2]
    assert isinstance(conv, SpectralLayer)
    scales = after.gamma.numpy() / np.sqrt(after.moving_variance.numpy() + 1e-3)
    expected = oracles.norm(oracles.operator_matrix(conv, conv.kernel.numpy() * scales))
    assert found[0].folded_norm == pytest.approx(expected, rel=1e-6)
    assert abs(found[0].norm - expected) > 0.05


def test_a_model_without_blocks_is_refused():
    with pytest.raises(ValueError, match="must have residual blocks of spectral layers"):
        layer_norms(ki.Classifier(ki.layers.Chain([]), (4, 4, 1), 2))


def test_picture_is_drawn(clf, tmp_path):
    save_picture({"a": layer_norms(clf)}, tmp_path / "x.png", "title")
    assert matplotlib.image.imread(tmp_path / "x.png").std() > 0.05
