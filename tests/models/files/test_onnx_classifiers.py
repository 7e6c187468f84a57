"""Files of ONNX against the classifier that they were written from, by onnxruntime."""

import keras
import numpy as np
import oracles
import pytest
import small_classifiers
import small_flows
from served_onnx import CLOSE, Served

import keras_iresnet as ki
from keras_iresnet import zoo
from keras_iresnet.layers import ActNorm, Chain, ConvBranch, InvertibleResidualBlock, Logit, Squeeze
from keras_iresnet.models.resnet import BottleneckResNet

IMAGES = small_flows.images(7)


def exported(model, folder, **options):
    pytest.importorskip("tf2onnx")
    model.export(folder, format="onnx", verbose=False, **options)
    return Served(folder)


def brought_near(clf, images=IMAGES):
    """A classifier whose features are those that the head expects: of others it would be sure of one class."""
    features = clf.features(images).numpy()
    axes = tuple(range(features.ndim - 1))
    clf.head.norm.moving_mean.assign(features.mean(axes))
    clf.head.norm.moving_variance.assign(features.var(axes))
    return clf


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A classifier, and its files for any batch."""
    keras.utils.set_random_seed(0)
    clf = small_classifiers.classifier()
    oracles.leave_identity(clf.layer)
    brought_near(clf)
    return clf, exported(clf, tmp_path_factory.mktemp("classifier") / "files")


def assert_classified_alike(served, clf, images):
    expected = clf.predict_proba(images)
    found = served("predict_proba", x=images)
    if len(images) > 1:
        assert expected.std(0).max() > 0.01
    np.testing.assert_allclose(found["probabilities"], expected, **CLOSE)
    np.testing.assert_allclose(found["logits"], clf.logits(images), **CLOSE)
    np.testing.assert_allclose(served("features", x=images)["features"], clf.features(images), **CLOSE)


def test_images_of_any_number_have_their_probabilities_and_features(served):
    clf, files = served
    assert set(files.sessions) == {"predict_proba", "features", "invert"}
    for count in (1, 7):
        assert_classified_alike(files, clf, IMAGES[:count])


def test_features_give_the_images_back_and_tell_their_residual(served):
    clf, files = served
    features = files("features", x=IMAGES)["features"]
    assert np.abs(features[..., :1] - IMAGES[:, ::2, ::2] / 4).max() > 0.1
    found, inversion = files("invert", features=features), clf.invert(features)
    np.testing.assert_allclose(found["images"], inversion.images, **CLOSE)
    np.testing.assert_array_equal(clf.to_images(found["images"]), IMAGES)
    assert found["converged"].all()
    assert 0 < found["residual"].max() <= 4e-5
    assert (found["steps"] > 0).all()


def test_an_estimator_is_nothing_that_a_classifier_has(tmp_path):
    with pytest.raises(TypeError, match="estimator"):
        small_classifiers.classifier().export(tmp_path / "files", format="onnx", estimator=ki.ExactLogDet())
    with pytest.raises(ValueError, match="`tolerance` must be positive"):
        small_classifiers.classifier().export(tmp_path / "files", format="onnx", tolerance=-1.0)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_network_without_an_inverse_has_no_file_for_it(tmp_path):
    keras.utils.set_random_seed(0)
    clf = brought_near(ki.Classifier(BottleneckResNet((1, 1), (4, 8)), (4, 4, 1), 3, bins=5))
    files = exported(clf, tmp_path / "files", batch_size=7)
    assert set(files.sessions) == {"predict_proba", "features"}
    assert_classified_alike(files, clf, IMAGES)


MODELS = {
    "strides": lambda: zoo.digits_classifier(blocks=(2, 1), channels=4, strides=(1, 2)),
    "Glow": lambda: ki.baselines.glow_classifier((8, 8, 1), 10, bins=17, blocks=(2, 1), units=(8, 8)),
    "i-RevNet": lambda: ki.baselines.irevnet_classifier((8, 8, 1), 10, bins=17, blocks=(2, 1), pad_channels=3),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_models_of_the_zoo_and_their_rivals(name, tmp_path):
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).integers(0, 17, (6, 8, 8, 1), dtype="uint8")
    clf = MODELS[name]()
    clf.initialize(images)
    for variable in clf.layer.trainable_variables:  # some couplings begin as the identity
        variable.assign_add(0.05 * keras.random.normal(variable.shape))
    files = exported(brought_near(clf, images), tmp_path / "files")
    assert_classified_alike(files, clf, images)
    found = files("invert", features=clf.features(images))
    np.testing.assert_array_equal(clf.to_images(found["images"]), images)


@pytest.mark.slow
def test_a_hybrid_tells_classes_beside_its_density(tmp_path):
    keras.utils.set_random_seed(0)
    block = InvertibleResidualBlock(ConvBranch(6), estimator=ki.ExactLogDet())
    chain = Chain([Logit(), Squeeze(), ActNorm(), block])
    model = oracles.leave_identity(ki.models.Hybrid(chain, small_flows.IMAGE_SHAPE, 3, bins=small_flows.BINS, seed=1))
    files = exported(model, tmp_path / "files")
    assert set(files.sessions) == {"forward", "log_prob", "inverse", "predict_proba"}
    found = files("predict_proba", x=IMAGES)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(IMAGES), **CLOSE)
    x = model.to_data(IMAGES, seed=0)
    expected = model.log_prob(x, estimator=ki.ExactLogDet())
    np.testing.assert_allclose(files("log_prob", x=x)["log_prob"], expected, **CLOSE)


@pytest.mark.slow
def test_a_classifier_of_more_than_256_values_takes_int32(tmp_path):
    keras.utils.set_random_seed(0)
    block = InvertibleResidualBlock(ConvBranch(6))
    clf = oracles.leave_identity(ki.Classifier(Chain([Squeeze(), ActNorm(), block]), (4, 4, 1), 3, bins=1000))
    images = np.random.default_rng(0).integers(0, 1000, (7, 4, 4, 1))
    files = exported(brought_near(clf, images), tmp_path / "files")
    assert files.sessions["features"].get_inputs()[0].type == "tensor(int32)"
    assert_classified_alike(files, clf, images)
