"""Models as folders: written, read, refused where they are not whole."""

import json
import sys
import types

import keras
import numpy as np
import pytest
import small_classifiers
import small_flows

import keras_iresnet as ki
from keras_iresnet.models.files import preset as presets


@pytest.fixture(scope="module")
def trained():
    flow = small_flows.image_flow(seed=0)
    flow.compile("adamax")
    flow.fit(small_flows.images(), batch_size=32, epochs=2, verbose=0)
    return flow


@pytest.fixture(scope="module")
def written(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "mine"
    trained.save_to_preset(folder)
    return folder


@pytest.fixture
def folder(written, tmp_path):
    for file in written.iterdir():
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / "mine" / file.name).write_bytes(file.read_bytes())
    return tmp_path / "mine"


def change(folder, **fields):
    file = folder / "metadata.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def test_outputs_are_the_same_and_the_optimizer_stays_behind(trained, written):
    loaded = ki.Flow.from_preset(written)
    x = small_flows.images(8, seed=3)
    np.testing.assert_allclose(loaded.bits_per_dim(x, seed=1), trained.bits_per_dim(x, seed=1), rtol=1e-6)
    np.testing.assert_allclose(loaded.sample(4, seed=2), trained.sample(4, seed=2), atol=1e-6)
    for ours, theirs in zip(loaded.weights, trained.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)
    assert not loaded.compiled
    assert trained.compiled
    assert sorted(file.name for file in written.iterdir()) == ["metadata.json", "model.keras"]
    trained.save(written.parent / "whole.keras")
    assert (written / "model.keras").stat().st_size < 0.8 * (written.parent / "whole.keras").stat().st_size


def test_metadata_say_what_it_is(written):
    found = presets.read_metadata(written)
    assert (found["format"], found["format_version"], found["keras_version"]) == (presets.FORMAT, 1, keras.__version__)
    assert found["parameter_count"] == ki.Flow.from_preset(written).count_params()
    assert found["class"].endswith(".Flow")


def test_a_classifier_is_read_as_what_it_is_and_by_no_other_class(tmp_path):
    classifier = small_classifiers.classifier()
    classifier.save_to_preset(tmp_path / "classes")
    x = small_flows.images(5)
    again = ki.Classifier.from_preset(tmp_path / "classes")
    np.testing.assert_allclose(again.predict_proba(x), classifier.predict_proba(x), rtol=1e-6)
    with pytest.raises(ValueError, match=r"must hold a Flow\. Received: .*classes, of a .*Classifier"):
        ki.Flow.from_preset(tmp_path / "classes")


def test_a_folder_that_holds_something_is_left_alone(trained, tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(ValueError, match="new or an empty folder"):
        trained.save_to_preset(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["notes"]


def test_a_write_that_fails_leaves_nothing(trained, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ki.Flow, "save", full)
    with pytest.raises(OSError, match="No space"):
        trained.save_to_preset(tmp_path / "mine")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_one_bit_that_flipped_is_seen(folder, at):
    content = bytearray((folder / "model.keras").read_bytes())
    content[int(at * len(content))] ^= 1
    (folder / "model.keras").write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.keras must be the file that was saved, of SHA-256"):
        ki.Flow.from_preset(folder)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda f: (f / "model.keras").unlink(), r"model\.keras must be the file.*Received: no such file"),
        (lambda f: (f / "metadata.json").unlink(), r"must be a folder as `save_to_preset` makes it"),
        (lambda f: (f / "metadata.json").write_text("{"), r"metadata\.json must hold JSON"),
        (lambda f: (f / "metadata.json").write_text("[]"), r"metadata\.json must be of a keras_iresnet preset"),
        (lambda f: change(f, format="other"), r"must be of a keras_iresnet preset"),
        (lambda f: change(f, format_version=2), r"a newer keras_iresnet wrote it, update yours\. .*format_version=2"),
    ],
)
def test_what_is_no_whole_preset_is_refused_by_name(folder, break_it, message):
    break_it(folder)
    with pytest.raises(ValueError, match=message):
        ki.Flow.from_preset(folder)


def test_a_name_leads_to_what_ships_with_the_package(written, monkeypatch):
    monkeypatch.setattr(presets, "RELEASED", written.parent)
    assert presets.released_names(written.parent) == ["mine"]
    assert ki.Flow.from_preset("mine").event_shape == small_flows.IMAGE_SHAPE
    with pytest.raises(ValueError, match=r"a released model \(mine\)\. Received: preset='yours'"):
        ki.Flow.from_preset("yours")


def test_the_hub_is_asked_for_the_two_files_alone(written, monkeypatch):
    asked = []

    def snapshot_download(repository, allow_patterns):
        asked.append((repository, allow_patterns))
        return str(written)

    hub = types.SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert ki.Flow.from_preset("hf://someone/digits").event_shape == small_flows.IMAGE_SHAPE
    assert asked == [("someone/digits", ["model.keras", "metadata.json"])]
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match="pip install huggingface_hub"):
        ki.Flow.from_preset("hf://someone/digits")


def test_a_function_in_the_file_is_neither_run_nor_written(tmp_path):
    branch = keras.Sequential([keras.layers.Lambda(lambda x: 0.1 * x)])
    flow = ki.Flow(ki.layers.Chain([ki.layers.InvertibleResidualBlock(branch, estimator=ki.ExactLogDet())]), (2,))
    unsafe = r"(?s)arbitrary code"
    with pytest.raises(ValueError, match=unsafe):
        flow.save_to_preset(tmp_path / "mine")
    assert not list(tmp_path.iterdir())
    (tmp_path / "foreign").mkdir()
    flow.save(tmp_path / "foreign" / "model.keras")
    metadata = {"format": presets.FORMAT, "format_version": 1}
    metadata["sha256"] = presets.file_digest(tmp_path / "foreign" / "model.keras")
    (tmp_path / "foreign" / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match=unsafe):
        ki.Flow.from_preset(tmp_path / "foreign")
