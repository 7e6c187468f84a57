"""The fused optimizers take the steps of Keras's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.optimizers import ClippedSGD, FusedAdam, FusedAdamax

PAIRS = {
    "adam": (FusedAdam, keras.optimizers.Adam, {"beta_1": 0.7}),
    "adamax": (FusedAdamax, keras.optimizers.Adamax, {"beta_1": 0.7}),
    "sgd": (ClippedSGD, keras.optimizers.SGD, {"momentum": 0.7}),
}
OPTIONS = {"weight_decay": 0.1, "global_clipnorm": 1.5, "use_ema": True, "ema_momentum": 0.8}


def trajectory(optimizer, compiled):
    """Weights after each of some steps down a function that differs from step to step."""
    variables = [keras.Variable(value) for value in ([1.0, -2.0], [[0.5, 0.1], [3.0, 0.0]])]
    optimizer.build(variables)

    def step(target):
        with tf.GradientTape() as tape:
            loss = sum(tf.reduce_sum((tf.convert_to_tensor(v) - target) ** 4) for v in variables)
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)

    step = tf.function(step) if compiled else step
    path = []
    for target in (0.0, 0.3, -0.2, 0.1, 0.4):
        step(tf.constant(target))
        path.append(np.concatenate([np.ravel(v) for v in variables]))
    optimizer.finalize_variable_values(variables)
    return np.array([*path, np.concatenate([np.ravel(v) for v in variables])])


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", PAIRS)
def test_steps_are_those_of_keras(name, compiled):
    fused, plain, own = PAIRS[name]
    options = OPTIONS | own
    schedule = keras.optimizers.schedules.CosineDecay(0.05, 5)
    expected = trajectory(plain(schedule, **options), compiled)
    assert np.abs(np.diff(expected, axis=0)).max() > 0.01
    np.testing.assert_allclose(trajectory(fused(schedule, **options), compiled), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", PAIRS)
def test_config_survives_saving(name):
    optimizer = PAIRS[name][0](0.02, **PAIRS[name][2])
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(copy) is PAIRS[name][0]
    assert copy.get_config() == optimizer.get_config()
