import contextlib
import subprocess
import sys
import textwrap

import pytest

from keras_iresnet.training import devices


def test_unknown_devices_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"CPU:0.*Received: devices=\['TPU:3'\]"):
        devices.scope(["TPU:3"])


@pytest.mark.parametrize("names", [[], ["CPU:0", "CPU:0"]])
def test_no_device_or_one_twice_is_refused(names):
    with pytest.raises(ValueError, match="distinct names"):
        devices.scope(names)


def test_one_default_device_needs_no_strategy():
    # Keras never compiles with XLA under a strategy
    first = (devices._names("GPU") or devices._names("CPU"))[0]
    assert isinstance(devices.scope([first]), contextlib.nullcontext)


def test_a_run_on_two_replicas_trains_and_evaluates(tmp_path):
    # In a process of its own: logical devices must be made before TensorFlow starts.
    code = f"""
        import tensorflow as tf
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        from keras_iresnet.training import devices, train
        strategy = devices.scope(["CPU:0", "CPU:1"])
        with strategy:
            assert tf.distribute.get_strategy().num_replicas_in_sync == 2
        overrides = {{"blocks": 1, "units": "8", "epochs": 1, "batch_size": 25000, "ema_momentum": 0.5}}
        metrics = train("toy_flow", {str(tmp_path / "run")!r}, devices=["CPU:0", "CPU:1"], overrides=overrides)
        assert metrics["steps"] == 10, metrics
        assert -6 < metrics["test_log_likelihood_nats"] < -1, metrics
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
