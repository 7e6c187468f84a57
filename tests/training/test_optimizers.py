import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.training.optimizers import OPTIMIZERS, make_optimizer

RECIPE = dataclasses.replace(ki.zoo.get("toy_flow").recipe, learning_rate=0.1)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_takes_its_share_off_kernels_alone(name):
    flow = ki.zoo.toy_flow(blocks=1, units=(4,))
    for weight in flow.trainable_variables:
        weight.assign(tf.ones_like(weight.value))
    optimizer = make_optimizer(dataclasses.replace(RECIPE, optimizer=name, weight_decay=0.2), flow)
    optimizer.build(flow.trainable_variables)
    optimizer.apply([tf.zeros_like(weight.value) for weight in flow.trainable_variables])
    for weight in flow.trainable_variables:
        np.testing.assert_allclose(weight, 1 - 0.1 * 0.2 if weight.name == "kernel" else 1, rtol=1e-6)


def test_options_reach_keras():
    flow = ki.zoo.toy_flow(blocks=1, units=(4,))
    fields = {"optimizer": "sgd", "momentum": 0.7, "nesterov": True, "clip_norm": 2.0, "ema_momentum": 0.8}
    config = make_optimizer(dataclasses.replace(RECIPE, **fields), flow).get_config()
    found = [config[key] for key in ("momentum", "nesterov", "global_clipnorm", "use_ema", "ema_momentum")]
    assert found == [0.7, True, 2.0, True, 0.8]
    assert config["weight_decay"] is None
    assert not make_optimizer(RECIPE, flow).use_ema
