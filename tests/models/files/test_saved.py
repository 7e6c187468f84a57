"""Models and weights as files: replaced whole, with a version and a checksum, readable by Keras alone."""

import hashlib
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
import small_flows

import keras_iresnet as ki
from keras_iresnet.models.files import saved


@pytest.fixture
def flow():
    return small_flows.point_flow(seed=1)


@pytest.fixture
def weights(flow, tmp_path):
    flow.save_weights(tmp_path / "kept.weights.h5")
    return tmp_path / "kept.weights.h5"


def assert_same(ours, theirs):
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_come_back_also_by_hdf5_alone(flow, weights):
    other = small_flows.point_flow(seed=2)
    assert not np.array_equal(other.layer.layers[1].weights[0], flow.layer.layers[1].weights[0])
    other.load_weights(weights)
    assert_same(other, flow)
    with h5py.File(weights) as file:
        assert "layer" in file
    third = small_flows.point_flow(seed=3)
    keras.Model.load_weights(third, weights)
    assert_same(third, flow)
    assert [path.name for path in weights.parent.iterdir()] == [weights.name]


def test_the_last_line_says_version_and_checksum(weights):
    *_, line = weights.read_bytes().split(b"keras-iresnet weights ")
    content = weights.read_bytes()[: -len(line) - len(b"keras-iresnet weights ")]
    assert line == f"0001 {hashlib.sha256(content).hexdigest()}\n".encode()


def test_weights_of_before_and_of_keras_load(flow, weights, tmp_path):
    keras.Model.save_weights(flow, tmp_path / "old.weights.h5")
    other = small_flows.point_flow(seed=2)
    other.load_weights(tmp_path / "old.weights.h5")
    assert_same(other, flow)


def test_weights_of_a_newer_version_and_of_another_model_are_refused(flow, weights):
    weights.write_bytes(weights.read_bytes().replace(b"weights 0001 ", b"weights 0002 "))
    with pytest.raises(
        ValueError, match=r"newer keras_iresnet wrote them, update yours\. .*kept\.weights\.h5.*version 2"
    ):
        flow.load_weights(weights)
    flow.save_weights(weights)
    with pytest.raises(ValueError, match=r"of a model like this one\. Received: .*kept\.weights\.h5"):
        small_flows.point_flow(3).load_weights(weights)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.weights\.h5"):
        flow.load_weights(weights.with_name("nowhere.weights.h5"))


def test_a_model_of_a_newer_version_is_refused_by_keras_too(flow, tmp_path):
    path = tmp_path / "flow.keras"
    flow.save(path)
    assert_same(keras.saving.load_model(path), flow)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(entries["config.json"])
    assert config["config"]["format_version"] == saved.FORMAT_VERSION == 1
    config["config"]["format_version"] = 2
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (entries | {"config.json": json.dumps(config)}).items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=r"newer keras_iresnet wrote it, update yours\. Received: format_version=2"):
        keras.saving.load_model(path)


def test_a_save_that_breaks_off_leaves_the_old_file(flow, tmp_path, monkeypatch):
    path = tmp_path / "flow.keras"
    flow.save(path)
    before = path.read_bytes()

    def broken(self, file, **_):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", broken)
    with pytest.raises(OSError, match=r"flow\.keras could not be written: No space left"):
        flow.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["flow.keras"]


def test_a_file_that_is_to_stay_is_left_to_keras(flow, weights, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda prompt: "n")
    before = weights.read_bytes()
    flow.save_weights(weights, overwrite=False)
    assert weights.read_bytes() == before


def test_a_version_is_no_argument_of_a_model(flow):
    assert type(flow).from_config(flow.get_config()).get_config() == flow.get_config()
    assert "format_version" not in saved.of_known_version(flow.get_config())
    assert ki.Flow.from_config({**flow.get_config(), "format_version": 1}).event_shape == (2,)
