import contextlib
import json
import pathlib
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.runs import resolve, train
from keras_iresnet.runs.machine import devices
from keras_iresnet.runs.train import _check_replicas


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


@pytest.mark.slow
def test_a_run_on_two_replicas_trains_and_evaluates(tmp_path):
    # In a process of its own: logical devices must be made before TensorFlow starts.
    code = f"""
        import tensorflow as tf
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        from keras_iresnet.runs import train
        from keras_iresnet.runs.machine import devices
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


@pytest.fixture(
    scope="module",
    params=[
        "flow",
        *(
            pytest.param(kind, marks=pytest.mark.slow)
            for kind in ("wide", "implicit", "monotone", "remat", "classifier")
        ),
    ],
)
def replicated(request, tmp_path_factory):
    """Twenty steps on one device and on two replicas."""
    path = tmp_path_factory.mktemp("replicated") / "found.npz"
    script = pathlib.Path(__file__).parents[2] / "helpers" / "replicated.py"
    done = subprocess.run([sys.executable, script, request.param, path], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(np.load(path))


def test_two_replicas_have_the_losses_of_one(replicated):
    one, two = replicated["1/losses"], replicated["2/losses"]
    assert one.shape == (20,)
    assert np.ptp(one) > 0.1  # they move
    np.testing.assert_allclose(two, one, rtol=1e-4)


def test_replicas_hold_equal_state_to_the_bit(replicated):
    assert replicated["2/differing"] == 0
    names = {name[2:] for name in replicated if name.startswith("1/")}
    assert sum(name.startswith(("model/", "optimizer/")) for name in names) > 30
    for name in names:
        if name.startswith(("model/", "optimizer/")):
            one, two = (abs(replicated[f"{count}/{name}"]) for count in (1, 2))  # a vector's sign says nothing
            np.testing.assert_allclose(two, one, rtol=1e-3, atol=1e-4)


def test_validation_of_two_replicas_is_that_of_one(replicated):
    # 144 images in batches of 64: of the last 16, one replica has all.
    assert replicated["2/validation"] == pytest.approx(replicated["1/validation"], rel=0.02)


@pytest.mark.parametrize(
    ("config", "several", "chief"),
    [
        (None, False, True),
        ({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}, False, True),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}, True, True),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}, True, False),
        ({"cluster": {"chief": ["c:1"], "worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}, True, False),
        ({"cluster": {"chief": ["c:1"], "worker": ["a:1"]}, "task": {"type": "chief", "index": 0}}, True, True),
    ],
)
def test_the_chief_is_the_first_where_none_is_named(monkeypatch, config, several, chief):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config:
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert (devices.several_machines(), devices.is_chief()) == (several, chief)


WORKERS = '{"cluster": {"worker": ["a:1", "b:1"]}'


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        WORKERS + "}",
        WORKERS + ', "task": {"type": "worker"}}',
        WORKERS + ', "task": {"type": "wroker", "index": 0}}',
        WORKERS + ', "task": {"type": "worker", "index": 2}}',
        '{"cluster": "a:1", "task": {"type": "worker", "index": 0}}',
    ],
)
def test_a_tf_config_that_cannot_be_is_refused_by_name(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(
        ValueError, match=r"TF_CONFIG must be JSON such as .*0}}, with.*Received: TF_CONFIG=" + re.escape(config)
    ):
        devices.several_machines()


def test_data_are_shared_where_the_strategy_has_several_machines(monkeypatch):
    dataset = tf.data.Dataset.range(8).batch(4, drop_remainder=True)
    monkeypatch.setenv("TF_CONFIG", WORKERS + ', "task": {"type": "worker", "index": 1}}')
    assert devices.shared(dataset, tf.distribute.get_strategy()) is dataset
    monkeypatch.delenv("TF_CONFIG")
    shared = devices.shared(dataset, tf.distribute.MultiWorkerMirroredStrategy())
    assert isinstance(shared, tf.distribute.DistributedDataset)
    assert [rows.numpy().tolist() for (rows,) in shared] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_what_several_machines_cannot_do_is_refused(monkeypatch, tmp_path):
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    with pytest.raises(
        ValueError, match=r"`devices` must be none with several machines.*Received: devices=\['CPU:0'\]"
    ):
        devices.scope(["CPU:0"])
    with pytest.raises(ValueError, match=r"`minutes` must be none with several machines.*Received: minutes=3\.0"):
        train("digits_flow", tmp_path / "run", overrides={"minutes": 3})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("stage", ["scope", "agree"])
def test_a_machine_that_is_lost_before_the_first_step_is_named(monkeypatch, tmp_path, stage):
    def lost(*_):
        raise tf.errors.UnavailableError(None, None, "Connection reset by peer\nmore")

    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    monkeypatch.setattr(devices, "scope", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(devices, stage, lost)
    with pytest.raises(ConnectionError, match=r"Another machine of TF_CONFIG is gone.*Connection reset by peer$"):
        train("toy_flow", tmp_path / "run", overrides={"minutes": None, "epochs": 1, "blocks": 1, "units": (4,)})


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"batch_size": 25}, r"`batch_size` must be a multiple.*, 2, .*Received: batch_size=25"),
        ({"accumulation_steps": 4}, r"Received: accumulation_steps=4, on 2 replicas"),
    ],
)
def test_what_replicas_cannot_share_is_refused(overrides, message):
    with pytest.raises(ValueError, match=message):
        _check_replicas(resolve("digits_flow", overrides).recipe, 2)
