"""Weighted examples count as often as repeated ones, at every door and on every number of replicas."""

import keras
import numpy as np
import pytest
import small_flows
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.models.sample_weights import resampled

POINTS = small_flows.points(24)
WEIGHTS = np.arange(24) % 3
REPEATED = np.repeat(POINTS, WEIGHTS, axis=0)
LABELS = (np.arange(24) // 4 % 2).astype("int64")


def flow(kind="plain"):
    keras.utils.set_random_seed(1)
    size = 2 if kind == "conditional" else None
    branch = ki.layers.DenseBranch((8,), condition_size=size)
    block = ki.layers.InvertibleResidualBlock(branch, estimator=ki.ExactLogDet())
    model = ki.Flow(ki.layers.Chain([ki.layers.ActNorm(), block]), (2,), condition_size=size, seed=1)
    model.compile(keras.optimizers.SGD(0.05), run_eagerly=True)
    return model


def labels(kind, repeats=None):
    if kind == "plain":
        return None
    return LABELS if repeats is None else np.repeat(LABELS, repeats)


@pytest.mark.parametrize("kind", ["plain", "conditional"])
def test_a_fit_is_that_of_repeated_examples(kind):
    weighted, repeated = flow(kind), flow(kind)
    options = {"batch_size": 64, "epochs": 3, "verbose": 0, "shuffle": False}
    found = weighted.fit(POINTS, labels(kind), sample_weight=WEIGHTS, **options).history
    expected = repeated.fit(REPEATED, labels(kind, WEIGHTS), **options).history
    assert expected["loss"][0] - expected["loss"][-1] > 1e-3
    for name in ("loss", "nats"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)
    for ours, theirs in zip(weighted.trainable_weights, repeated.trainable_weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_an_evaluation_is_that_of_repeated_examples_in_batches_of_any_size():
    model = flow()
    model.initialize(POINTS)
    expected = model.evaluate(REPEATED, verbose=0)
    triples = tf.data.Dataset.from_tensor_slices((POINTS, np.zeros(24), WEIGHTS.astype("float32"))).batch(5)
    for found in (
        model.evaluate(POINTS, sample_weight=WEIGHTS, batch_size=7, verbose=0),
        model.evaluate(triples, verbose=0),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_held_out_examples_keep_their_weights():
    model = flow()
    found = model.fit(POINTS, validation_data=(POINTS, None, WEIGHTS), verbose=0).history["val_loss"][0]
    assert found == pytest.approx(model.evaluate(REPEATED, verbose=0)[0], rel=1e-5)
    assert abs(found - model.evaluate(POINTS, verbose=0)[0]) > 1e-3
    held_out = tf.data.Dataset.from_tensor_slices((POINTS, np.zeros(24), WEIGHTS.astype("float32"))).batch(5)
    again = model.fit(POINTS, validation_data=held_out, verbose=0).history["val_loss"][0]
    assert again == pytest.approx(model.evaluate(REPEATED, verbose=0)[0], rel=1e-5)


@pytest.mark.parametrize("step", ["train_on_batch", "test_on_batch"])
def test_a_batch_is_that_of_repeated_examples(step):
    losses = []
    for examples, weights in ((POINTS, WEIGHTS), (REPEATED, None)):
        model = flow()
        model.initialize(REPEATED)
        losses.append(getattr(model, step)(examples, sample_weight=weights, return_dict=True)["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_hybrid_weighs_both_of_its_losses():
    images = small_flows.images(24)
    block = ki.layers.InvertibleResidualBlock(ki.layers.ConvBranch(4), estimator=ki.ExactLogDet())
    model = ki.Hybrid(ki.layers.Chain([ki.layers.Squeeze(), block]), (4, 4, 1), 2, bins=small_flows.BINS, seed=1)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    x = model.to_data(images, seed=1).numpy()
    model.initialize(x)
    found = model.evaluate(x, LABELS, sample_weight=WEIGHTS, batch_size=7, verbose=0, return_dict=True)
    expected = model.evaluate(np.repeat(x, WEIGHTS, 0), np.repeat(LABELS, WEIGHTS), verbose=0, return_dict=True)
    for name in ("loss", "log_prob_bits_per_dim", "logits_error_percent"):
        value = expected[name]
        assert found[name] == pytest.approx(value, rel=1e-4), name


def test_held_out_weights_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="`sample_weight` must be finite"):
        flow().fit(POINTS, validation_data=(POINTS, None, -WEIGHTS), verbose=0)


@pytest.mark.parametrize("weights", [-np.ones(24), np.full(24, np.nan), np.zeros(24)])
def test_weights_that_cannot_be_are_refused_before_training(weights):
    model = flow()
    with pytest.raises(ValueError, match="`sample_weight` must be"):
        model.fit(POINTS, sample_weight=weights, verbose=0)
    assert not model.initialized


def test_fractions_are_drawn_evenly():
    drawn = resampled(np.arange(4), [0.5, 0.25, 0.0, 0.25]).numpy()
    np.testing.assert_array_equal(drawn, [0, 0, 1, 3])
