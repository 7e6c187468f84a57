"""Models that are compiled by an optimizer's name take the package's form of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.optimizers import ClippedSGD, FusedAdam, FusedAdamax, by_name

POINTS = np.random.default_rng(0).normal(size=(32, 2)).astype("float32")


def _flow():
    flow = ki.zoo.toy_flow(blocks=2, units=(8,), seed=0)
    flow.initialize(POINTS)
    return flow


@pytest.mark.parametrize(
    ("name", "expected", "kept"),
    [
        ("adam", FusedAdam, keras.optimizers.Adam),
        ("Adamax", FusedAdamax, keras.optimizers.Adamax),
        ("sgd", ClippedSGD, keras.optimizers.SGD),
    ],
)
@pytest.mark.sweep(3)
def test_a_name_gives_what_keras_gives_in_fewer_operations(name, expected, kept):
    weights, operations = [], []
    for optimizer in (name, keras.optimizers.get(name), kept()):
        flow = _flow()
        flow.compile(optimizer)
        flow.make_train_function()
        for _ in range(3):
            flow.train_on_batch(POINTS)
        weights.append(np.concatenate([np.ravel(weight) for weight in flow.trainable_variables]))
        operations.append((type(flow.optimizer), _operations(flow)))
    (chosen, fewer), (given, more), _ = operations
    assert (chosen, given) == (expected, kept)
    assert fewer < more or name == "sgd"
    np.testing.assert_allclose(weights[0], weights[1], rtol=2e-5, atol=1e-6)
    np.testing.assert_array_equal(weights[1], weights[2])
    assert np.abs(weights[0] - np.concatenate([np.ravel(w) for w in _flow().trainable_variables])).max() > 1e-3


def _operations(flow):
    """Operations of an update of all weights."""

    @tf.function(autograph=False)
    def update():
        flow.optimizer.apply([tf.zeros_like(weight) for weight in flow.trainable_variables])

    return len(update.get_concrete_function().graph.get_operations())


def test_averages_take_fewer_operations_too():
    counts = []
    for kind in (FusedAdamax, keras.optimizers.Adamax):
        plain, averaged = _flow(), _flow()
        plain.compile(kind())
        averaged.compile(kind(use_ema=True))
        counts.append((_operations(averaged) - _operations(plain)) / len(plain.trainable_variables))
    assert counts[0] < counts[1] / 2


@pytest.mark.parametrize("model", [_flow, lambda: ki.zoo.digits_classifier(blocks=(1, 1), channels=8)])
def test_every_model_takes_names(model):
    model = model()
    model.compile("adam")
    assert type(model.optimizer) is FusedAdam


def test_what_the_package_does_not_have_is_left_to_keras():
    optimizer = keras.optimizers.Adam(0.1)
    assert by_name(optimizer) is optimizer
    flow = _flow()
    flow.compile("rmsprop")
    assert type(flow.optimizer) is keras.optimizers.RMSprop
    with pytest.raises(ValueError, match="Could not interpret optimizer identifier: adamaxx"):
        flow.compile("adamaxx")


def test_a_saved_model_goes_on_with_its_optimizer(tmp_path):
    flow = _flow()
    flow.compile("adamax")
    flow.train_on_batch(POINTS)
    flow.save(tmp_path / "flow.keras")
    copy = keras.saving.load_model(tmp_path / "flow.keras")
    assert type(copy.optimizer) is FusedAdamax
    for one, other in zip(flow.optimizer.variables, copy.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)
