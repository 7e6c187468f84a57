import keras
import numpy as np
import oracles
import pytest
import small_classifiers
import tensorflow as tf
from scipy.special import softmax
from small_classifiers import BINS, CLASSES, classifier, compiled, labelled_images

import keras_iresnet as ki
from keras_iresnet.models import ErrorPercent

IMAGES, LABELS = labelled_images()


def far_from_identity(clf):
    oracles.leave_identity(clf)
    clf.head.norm.moving_mean.assign(0.3 * np.ones(clf.head.norm.moving_mean.shape))
    clf.head.norm.moving_variance.assign(2.0 * np.ones(clf.head.norm.moving_variance.shape))
    return clf


@pytest.fixture(scope="module")
def trained():
    """A classifier that was trained, and the history of its training."""
    keras.utils.set_random_seed(1)
    clf = compiled()
    return clf, clf.fit(IMAGES, LABELS, batch_size=16, epochs=15, verbose=0, validation_data=labelled_images(seed=1))


def test_logits_are_those_of_the_head_written_out():
    clf = far_from_identity(small_classifiers.in_precision("float64"))
    features = clf.features(IMAGES).numpy()
    assert np.abs(features).max() > 1
    norm, dense = clf.head.norm, clf.head.dense
    norm.moving_mean.assign(features.mean((0, 1, 2)))
    weights = [weight.numpy() for weight in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)]
    gamma, beta, mean, variance = weights
    active = np.maximum(0, gamma * (features - mean) / np.sqrt(variance + norm.epsilon) + beta)
    assert 0.2 < (active > 0).mean() < 0.8  # ReLU has something to do
    expected = active.mean((1, 2)) @ dense.kernel.numpy() + dense.bias.numpy()
    np.testing.assert_allclose(clf(IMAGES), expected, rtol=1e-10)
    np.testing.assert_allclose(clf.predict_proba(IMAGES), softmax(expected, -1), rtol=1e-6)


@pytest.mark.parametrize(("policy", "error"), [("float64", 1e-12), ("float32", 1e-5), ("mixed_bfloat16", 1e-5)])
def test_features_give_the_images_back(policy, error):
    clf = far_from_identity(small_classifiers.in_precision(policy))
    features = clf.features(IMAGES)
    assert features.shape == (len(IMAGES), *clf.feature_shape)
    pixels = IMAGES / (BINS - 1)
    # The first channel alone would be the image if the blocks were the identity.
    assert np.abs(features[..., :1] - pixels[:, :2, :2]).max() > 0.1
    images, report = clf.invert(features)
    assert report.converged.numpy().all()
    assert (report.steps.numpy() > 2).all()
    np.testing.assert_allclose(images, pixels, rtol=0, atol=error)
    np.testing.assert_array_equal(clf.to_images(images), IMAGES)


def test_integers_and_the_floats_that_they_stand_for_are_the_same():
    clf = classifier()
    np.testing.assert_array_equal(clf(IMAGES), clf((IMAGES / (BINS - 1)).astype("float32")))


@pytest.mark.parametrize("bins", [BINS, 49, 256])  # in float32, 27 / 49 * 49 < 27
def test_every_value_of_a_pixel_comes_back(bins):
    clf = ki.Classifier(ki.layers.Chain([]), (bins, 1, 1), 2, bins=bins)
    values = np.arange(bins, dtype="uint8").reshape(1, bins, 1, 1)
    back = clf.to_images(clf.features(values) + 0.3 / bins)
    assert back.dtype == tf.uint8
    np.testing.assert_array_equal(back, values)


def test_training_classifies(trained):
    clf, history = trained
    assert set(history.history) == {"loss", "error_percent", "val_loss", "val_error_percent"}
    test_images, test_labels = labelled_images(seed=2)
    found = clf.predict_proba(test_images).argmax(-1)
    error = 100 * np.mean(found != test_labels)
    assert error < 10
    assert clf.evaluate(test_images, test_labels, verbose=0)[1] == pytest.approx(error, abs=1e-3)


def test_trained_features_give_the_images_back(trained):
    images, report = trained[0].invert(trained[0].features(IMAGES))
    assert report.converged.numpy().all()
    np.testing.assert_allclose(images, IMAGES / (BINS - 1), atol=1e-5)


def largest_norm(clf):
    """Of the layers of a small classifier, by SVD."""
    spectral = [layer for layer in clf._flatten_layers() if hasattr(layer, "normalized_kernel")]
    assert len(spectral) == 6
    return max(oracles.operator_norm(layer, layer.normalized_kernel()) for layer in spectral)


def test_norms_of_trained_layers_are_at_the_bound_at_most(trained):
    assert largest_norm(trained[0]) < 1.01 * 0.9


def test_norms_hold_where_training_stops_within_an_epoch():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    clf = compiled(rate=1.0)
    clf.initialize(IMAGES)
    before = largest_norm(clf)
    for _ in range(2):
        clf.train_on_batch(IMAGES[:32], LABELS[:32])
    assert largest_norm(clf) > 1.01 * 0.9 > before  # a step alone does not hold them
    history = clf.fit(IMAGES, LABELS, batch_size=16, epochs=3, callbacks=[Stop()], verbose=0)
    assert len(history.epoch) == 1
    assert 0.85 < largest_norm(clf) < 1.01 * 0.9


def test_norms_hold_for_the_callbacks_of_a_callback_list():
    clf, norms = compiled(rate=1.0), []
    seen = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: norms.append(largest_norm(clf)))
    callbacks = keras.callbacks.CallbackList([seen])
    history = clf.fit(IMAGES[:64], LABELS[:64], batch_size=32, callbacks=callbacks, verbose=0).history
    assert set(history) == {"loss", "error_percent"}
    assert 0.85 < norms[0] < 1.01 * 0.9


def test_first_layer_standardises_and_is_not_trained(trained):
    clf, _ = trained
    first = clf.layer.layers[0]
    pixels = IMAGES / (BINS - 1)
    np.testing.assert_allclose(-first.shift, pixels.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(np.exp(-first.log_scale), pixels.std((0, 1, 2)), rtol=1e-5)
    assert not any(weight is first.shift for weight in clf.trainable_variables)


def test_saved_and_loaded_it_classifies_inverts_and_goes_on(trained, tmp_path):
    clf, _ = trained
    clf.save(tmp_path / "classifier.keras")
    loaded = keras.saving.load_model(tmp_path / "classifier.keras")
    np.testing.assert_allclose(loaded(IMAGES), clf(IMAGES), rtol=1e-6, atol=1e-6)
    images, report = loaded.invert(loaded.features(IMAGES))
    assert report.converged.numpy().all()
    np.testing.assert_allclose(images, IMAGES / (BINS - 1), atol=1e-5)
    assert loaded.initialized
    assert int(loaded.optimizer.iterations) == int(clf.optimizer.iterations) > 0
    before = loaded.layer.layers[0].shift.numpy()
    history = loaded.fit(IMAGES, LABELS, epochs=1, verbose=0)
    assert history.history["error_percent"][0] < 20
    np.testing.assert_array_equal(loaded.layer.layers[0].shift.numpy(), before)


def test_an_inverse_that_does_not_converge_says_so():
    clf = classifier(coeff=None)
    clf.initialize(IMAGES)
    for weight in clf.trainable_variables:
        if weight.name == "kernel":
            weight.assign(10 * weight)
    images, report = clf.invert(clf.features(IMAGES[:4]))
    assert images.shape == IMAGES[:4].shape
    assert not report.converged.numpy().any()


BAD = {name: (IMAGES, labels, message) for name, (labels, message) in small_classifiers.bad_labels(LABELS).items()} | {
    "another shape": (IMAGES[:, :3], LABELS, r"shape \(batch, 4, 4, 1\)\. Received: shape=\(96, 3, 4, 1\)"),
    "booleans": (IMAGES > 2, LABELS, "Received: dtype=bool"),
    "values beyond the bins": (IMAGES + np.uint8(1), LABELS, r"\[0, bins\) with bins=5"),
    "unscaled floats": (IMAGES.astype("float32"), LABELS, r"must lie in \[0, 1\]; .* Received: \d+ other values"),
}


@pytest.fixture(scope="module")
def untouched():
    return compiled()


@pytest.mark.parametrize("name", BAD)
def test_fit_refuses_bad_data_before_training(untouched, name):
    x, y, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        untouched.fit(x, y, verbose=0)
    with pytest.raises(ValueError, match=message):
        untouched.fit(IMAGES, LABELS, validation_data=(x, y), verbose=0)
    with pytest.raises(ValueError, match=message):
        untouched.evaluate(x, y, verbose=0)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    with pytest.raises(ValueError, match=message.split(" Received")[0].removesuffix(r"\.")):
        untouched.fit(data, verbose=0)
    if name != "values beyond the bins" and name != "unscaled floats":  # which are seen as they come
        with pytest.raises(ValueError, match=message.split(" Received")[0].removesuffix(r"\.")):
            untouched.fit(IMAGES, LABELS, validation_data=data, verbose=0)
    assert int(untouched.optimizer.iterations) == 0
    assert not untouched.initialized


def test_fit_refuses_data_without_labels(untouched):
    with pytest.raises(ValueError, match=r"Labels must be given beside images\. Received: y=None"):
        untouched.fit(IMAGES, verbose=0)
    with pytest.raises(ValueError, match=r"must give images and labels\. Received: element_spec=TensorSpec"):
        untouched.fit(tf.data.Dataset.from_tensor_slices(IMAGES).batch(8), verbose=0)


def test_labels_of_a_data_set_are_looked_at_before_training_goes_on(trained):
    data = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS + 1)).batch(16)
    for method in (trained[0].fit, trained[0].evaluate):
        with pytest.raises(ValueError, match="num_classes=3"):
            method(data, verbose=0)


def test_bad_label_later_in_a_pipeline_stops_the_training():
    clf = compiled()
    labels = np.concatenate([LABELS[:32], LABELS[32:] + 1])
    with pytest.raises(ValueError, match="num_classes=3"):
        clf.fit(tf.data.Dataset.from_tensor_slices((IMAGES, labels)).batch(16), verbose=0)
    assert all(np.isfinite(weight.numpy()).all() for weight in clf.trainable_variables)


def test_what_is_no_layer_is_refused():
    with pytest.raises(ValueError, match=r"must hold invertible layers .* Received: str"):
        ki.Classifier("resnet", (4, 4, 1), 3)


@pytest.mark.parametrize(("name", "value"), [("num_classes", 1), ("num_classes", 3.0), ("bins", None)])
def test_bad_counts_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be an integer of at least 2. Received: {name}={value!r}"):
        ki.Classifier(ki.layers.Chain([]), (4, 4, 1), **{"num_classes": 3, name: value})


def test_error_counts_what_was_missed():
    metric = ErrorPercent()
    metric.update_state(tf.constant([[0], [1], [2]]), tf.constant([[3.0, 1, 2], [0, 1, 2], [0, 1, 2]]))
    metric.update_state(tf.constant([1]), tf.constant([[3.0, 1, 2]]))
    assert float(metric.result()) == 50


@pytest.mark.slow
def test_labels_may_be_a_column():
    clf = compiled()
    column = clf.fit(IMAGES, LABELS[:, None], batch_size=96, shuffle=False, verbose=0).history
    keras.utils.set_random_seed(20190609)
    row = compiled().fit(IMAGES, LABELS, batch_size=96, shuffle=False, verbose=0).history
    assert column == row
    assert len(set(LABELS)) == CLASSES
