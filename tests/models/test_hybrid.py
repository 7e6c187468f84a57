import keras
import numpy as np
import oracles
import pytest
import small_flows
import tensorflow as tf
from scipy.special import log_softmax
from small_classifiers import BINS, CLASSES, bad_labels, labelled_images

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain, ConvBranch, InvertibleResidualBlock, Logit, Squeeze

IMAGES, LABELS = labelled_images()


def hybrid(**options):
    block = InvertibleResidualBlock(ConvBranch(6), estimator=ki.SeriesLogDet(6))
    chain = Chain([Logit(), Squeeze(), ActNorm(), block])
    return ki.models.Hybrid(chain, small_flows.IMAGE_SHAPE, CLASSES, bins=BINS, seed=0, **options)


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    model = hybrid(weight=2.0)
    model.compile(keras.optimizers.Adam(0.02))
    history = model.fit(IMAGES, LABELS, batch_size=32, epochs=30, verbose=0, validation_data=labelled_images(seed=1))
    return model, history.history


@pytest.mark.slow
def test_both_heads_learn(trained):
    model, history = trained
    assert history["log_prob_bits_per_dim"][-1] < history["log_prob_bits_per_dim"][0] - 0.05
    images, labels = labelled_images(seed=2)
    assert np.mean(model.predict_proba(images).argmax(-1) != labels) < 0.15
    assert {"loss", "val_loss", "val_log_prob_bits_per_dim", "val_logits_error_percent"} <= set(history)


@pytest.mark.parametrize("weight", [0.0, 0.3, 2.0])
def test_loss_is_bits_per_dim_and_weighted_cross_entropy(weight):
    model = hybrid(weight=weight)
    model.compile()
    log_prob = np.array([-20.0, -11.0], "float32")
    logits = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], "float32")
    found = model.compute_loss(y=np.array([1, 0]), y_pred={"log_prob": log_prob, "logits": logits})
    bits = np.log2(BINS) - log_prob.mean() / (16 * np.log(2))
    entropy = -log_softmax(logits, -1)[[0, 1], [1, 0]].mean()
    assert float(found) == pytest.approx(bits + weight * entropy, rel=1e-5)
    nats = log_prob.mean() + weight * 16 * np.log(2) * -entropy  # what the docstring says is maximised
    assert float(found) == pytest.approx(np.log2(BINS) - nats / (16 * np.log(2)), rel=1e-5)


def test_density_is_that_of_the_flow_and_the_head_reads_its_latents(trained):
    model, _ = trained
    flow = ki.Flow(model.layer, model.event_shape, bins=BINS)
    flow.prior.loc.assign(model.prior.loc)
    flow.prior.log_scale.assign(model.prior.log_scale)
    np.testing.assert_allclose(model.log_prob(IMAGES, seed=3), flow.log_prob(IMAGES, seed=3), rtol=1e-6)
    middles = ((IMAGES + 0.5) / BINS).astype("float32")
    latents = tf.reshape(model.forward(middles), (-1, 2, 2, 4))
    np.testing.assert_allclose(model.logits(IMAGES), model.head(latents), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.logits(middles), model.head(latents), rtol=1e-5, atol=1e-6)


def test_a_call_gives_both(trained):
    found = trained[0](IMAGES)
    assert found["log_prob"].shape == (len(IMAGES),)
    assert found["logits"].shape == (len(IMAGES), CLASSES)
    exact = trained[0].log_prob(IMAGES, estimator=ki.ExactLogDet())
    assert abs(float(tf.reduce_mean(found["log_prob"] - exact))) < 1


def test_typicality_is_the_distance_from_the_mean_of_what_was_shown(trained):
    model, _ = trained
    model.calibrate(IMAGES)
    log_prob = model.log_prob(IMAGES, seed=0).numpy()
    np.testing.assert_allclose(model.typicality(IMAGES), np.abs(log_prob - log_prob.mean()), rtol=1e-4, atol=1e-4)
    odd = np.random.default_rng(0).integers(0, BINS, IMAGES.shape, dtype=np.uint8)
    assert np.median(model.typicality(odd)) > np.median(model.typicality(IMAGES))


def test_calibration_takes_batches(monkeypatch):
    sizes = []

    def log_prob(self, x, seed):
        sizes.append(len(x))
        return tf.reduce_sum(tf.cast(x, tf.float32), (1, 2, 3)) + 0.0 * seed

    monkeypatch.setattr(ki.models.Hybrid, "log_prob", log_prob)
    model, images = hybrid(), IMAGES[:25]
    model.calibrate(images, batch_size=10)
    assert sizes == [10, 10, 5]
    assert float(model.typical_log_prob) == pytest.approx(images.sum((1, 2, 3)).mean())


def test_noise_differs_from_batch_to_batch_of_a_calibration(monkeypatch):
    seeds = []
    monkeypatch.setattr(ki.models.Hybrid, "log_prob", lambda self, x, seed: seeds.append(seed) or tf.zeros(len(x)))
    hybrid().calibrate(IMAGES[:9], batch_size=3)
    assert len(set(seeds)) == 3


def test_saved_and_loaded_it_is_the_same_and_goes_on(trained, tmp_path):
    model, _ = trained
    model.calibrate(IMAGES)
    model.save(tmp_path / "hybrid.keras")
    loaded = keras.saving.load_model(tmp_path / "hybrid.keras")
    np.testing.assert_allclose(loaded.log_prob(IMAGES, seed=1), model.log_prob(IMAGES, seed=1), rtol=1e-5)
    np.testing.assert_allclose(loaded.logits(IMAGES), model.logits(IMAGES), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(loaded.typicality(IMAGES), model.typicality(IMAGES), rtol=1e-4, atol=1e-4)
    assert loaded.weight == 2.0
    y_pred = {"log_prob": np.array([-20.0], "float32"), "logits": np.array([[1.0, 2.0, 0.5]], "float32")}
    losses = [float(one.compute_loss(y=np.array([0]), y_pred=y_pred)) for one in (model, loaded)]
    assert losses[0] == pytest.approx(losses[1])


@pytest.fixture(scope="module")
def untouched():
    model = hybrid()
    model.compile()
    return model


@pytest.mark.parametrize("name", bad_labels(LABELS))
def test_bad_labels_are_refused_before_training(untouched, name):
    labels, message = bad_labels(LABELS)[name]
    data = tf.data.Dataset.from_tensor_slices((IMAGES, labels)).batch(len(IMAGES))
    for method in (untouched.fit, untouched.evaluate):
        with pytest.raises(ValueError, match=message):
            method(IMAGES, labels, verbose=0)
        with pytest.raises(ValueError, match=message.split(" Received")[0].removesuffix(r"\.")):
            method(data, verbose=0)
    with pytest.raises(ValueError, match=message):
        untouched.fit(IMAGES, LABELS, validation_data=(IMAGES, labels), verbose=0)
    assert not untouched.initialized


def test_images_without_labels_are_refused(untouched):
    for method in (untouched.fit, untouched.evaluate):
        with pytest.raises(ValueError, match=r"Labels must be given beside images\. Received: y=None"):
            method(IMAGES, verbose=0)
        with pytest.raises(ValueError, match=r"must give images and labels\. Received: element_spec=TensorSpec"):
            method(tf.data.Dataset.from_tensor_slices(IMAGES).batch(8), verbose=0)
    assert not untouched.initialized


def test_batches_without_labels_are_refused(trained):
    batches = ((IMAGES[i : i + 8],) for i in range(0, 32, 8))
    with pytest.raises(ValueError, match=r"Labels must be given beside images\. Received: y=None"):
        trained[0].fit(batches, verbose=0)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return IMAGES[32 * i : 32 * (i + 1)], LABELS[32 * i : 32 * (i + 1)]


@pytest.mark.parametrize("batches", [Batches, lambda: (Batches()[i] for i in range(3))])
def test_images_may_bring_their_labels(trained, batches):
    history = trained[0].fit(batches(), verbose=0).history
    assert history["logits_error_percent"][0] < 20


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"`weight` must be at least 0\. Received: weight=-1"):
        hybrid(weight=-1)
    model = hybrid()
    model.compile()
    with pytest.raises(ValueError, match="bins=5"):
        model.logits(IMAGES + np.uint8(4))
    with pytest.raises(ValueError, match="`calibrate` must be called before `typicality`"):
        model.typicality(IMAGES)
    with pytest.raises(ValueError, match="`calibrate` must be called"):
        model.typical_log_prob  # noqa: B018
    assert not model.initialized


def test_log_det_of_the_backbone_is_far_from_0():
    model = hybrid()
    oracles.leave_identity(model)
    x = model.to_data(IMAGES[:3], seed=0)
    assert np.abs(model.forward_and_log_det(x, estimator=ki.ExactLogDet())[1]).min() > 1
