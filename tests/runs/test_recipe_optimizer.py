import dataclasses
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.optimizers import OPTIMIZERS
from keras_iresnet.runs.recipe_optimizer import make_optimizer
from keras_iresnet.runs.schedule import steps_taken

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


@pytest.mark.slow
def test_gradients_are_clipped_by_the_norm_of_all_replicas_together():
    # In a process of its own: logical devices must be made before TensorFlow starts.
    code = """
        import keras, numpy as np, tensorflow as tf
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        from keras_iresnet.optimizers import ClippedSGD
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        with strategy.scope():
            weights = [keras.Variable([0.0]), keras.Variable([0.0])]
            optimizer = ClippedSGD(1.0, global_clipnorm=2.0)
            optimizer.build(weights)
        # (3, 1) and (0, 3): together (3, 4), of norm 5; each alone has a norm above 2.
        gradients = tf.constant([[[3.0], [1.0]], [[0.0], [3.0]]])

        @tf.function
        def step():
            own = gradients[tf.distribute.get_replica_context().replica_id_in_sync_group]
            optimizer.apply(tf.unstack(own))

        strategy.run(step)
        np.testing.assert_allclose([float(w.value[0]) for w in weights], [-3 * 2 / 5, -4 * 2 / 5], rtol=1e-6)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_accumulated_steps_are_one_update_by_the_mean_gradient(name):
    flow = ki.zoo.toy_flow(blocks=1, units=(4,))
    start, trained = flow.get_weights(), [weight.numpy() for weight in flow.trainable_weights]
    rng = np.random.default_rng(0)
    gradients = [[rng.normal(size=weight.shape).astype("float32") for weight in flow.trainable_weights] for _ in "ab"]
    ends = []
    for count, steps in ((2, gradients), (1, [[(a + b) / 2 for a, b in zip(*gradients, strict=True)]])):
        flow.set_weights(start)
        recipe = dataclasses.replace(RECIPE, optimizer=name, weight_decay=0.1, accumulation_steps=count)
        flow.compile(make_optimizer(recipe, flow))
        for step in steps:
            before = flow.get_weights()
            flow.optimizer.apply([tf.constant(gradient) for gradient in step])
            assert len(steps) == 1 or step is steps[1] or all(map(np.array_equal, before, flow.get_weights()))
        assert steps_taken(flow) == len(steps)
        ends.append([weight.numpy() for weight in flow.trainable_weights])
    for two, one, old in zip(*ends, trained, strict=True):
        assert abs(one - old).min() > 1e-4
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-6)
