"""A preset of a run, or a released model, stands in the place of the run folder."""

import json

import pytest
from click.testing import CliRunner

import keras_iresnet_cli
from keras_iresnet.commands import certify_run, contract_run, evaluate_run, reconstruct_run, release_run
from keras_iresnet.models.files import preset as presets
from keras_iresnet.runs import RunFolder, train

SMALL = {"epochs": 1, "blocks": (1,), "channels": 4, "strides": (1,)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    train("digits_classifier", out=path, overrides=SMALL, progress=False)
    return path


@pytest.fixture(scope="module")
def released(run, tmp_path_factory):
    """A folder of released models with the run's."""
    folder = tmp_path_factory.mktemp("released")
    release_run(run, out=folder / "small")
    return folder


@pytest.fixture
def by_name(released, tmp_path, monkeypatch):
    """The name of a released model, in an empty working directory."""
    monkeypatch.setattr(presets, "RELEASED", released)
    monkeypatch.chdir(tmp_path)
    return "small"


def test_a_released_model_is_evaluated_as_its_run_was_and_stays_as_it_is(run, released, by_name):
    before = {file.name: file.read_bytes() for file in (released / by_name).iterdir()}
    figures, known = evaluate_run(by_name, progress=False), RunFolder.open(run).read_metrics()
    assert figures["test_error_percent"] == known["test_error_percent"]
    assert certify_run(by_name).bound == pytest.approx(certify_run(run).bound)
    assert {file.name: file.read_bytes() for file in (released / by_name).iterdir()} == before


def test_what_is_made_of_it_goes_to_a_folder_of_its_name(by_name, tmp_path):
    reconstruct_run(by_name, n=2)
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.png")] == ["small/reconstructions-seed0.png"]
    reconstruct_run(by_name, n=2, seed=1)  # that folder does not hide the name
    assert (tmp_path / "small" / "reconstructions-seed1.png").is_file()


def test_a_run_folder_of_that_name_comes_first(run, by_name, tmp_path):
    (tmp_path / "small").symlink_to(run)
    assert not RunFolder.open(by_name).is_preset


def test_the_folder_of_a_preset_does_as_well_and_its_settings_name_no_folder_of_the_machine(run, released):
    folder = RunFolder.open(released / "small")
    assert folder.is_preset
    assert not folder.begun
    assert folder.read_metrics() == {}
    config = folder.read_config()
    assert config["builder"] == RunFolder.open(run).read_config()["builder"]
    assert str(run.parent) not in json.dumps(config)


def test_what_would_change_it_is_refused(by_name, tmp_path):
    with pytest.raises(ValueError, match="presets stay as they are"):
        contract_run(by_name)
    with pytest.raises(ValueError, match=r"must be a run folder. Received: run='small', a preset already"):
        release_run(by_name, out=tmp_path / "again")
    with pytest.raises(ValueError, match="`resume` must be the folder of a run"):
        train(resume=presets.released_folder(by_name), progress=False)


def test_a_damaged_one_is_refused(released, tmp_path):
    damaged = tmp_path / "small"
    damaged.mkdir()
    for file in (released / "small").iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    (damaged / "model.keras").write_bytes((released / "small" / "model.keras").read_bytes()[:-1])
    with pytest.raises(ValueError, match="must be the file that was saved, of SHA-256"):
        evaluate_run(damaged, progress=False)


def test_training_begins_with_the_weights_of_one(by_name, tmp_path):
    train("digits_classifier", out=tmp_path / "next", init_from=by_name, overrides=SMALL, progress=False)
    assert RunFolder.open(tmp_path / "next").read_config()["init_from"] == str(presets.released_folder(by_name))


def test_the_shell_offers_the_released_names():
    words = {
        "COMP_WORDS": "keras-iresnet evaluate digits_c",
        "COMP_CWORD": "2",
        "_KERAS_IRESNET_COMPLETE": "bash_complete",
    }
    found = CliRunner().invoke(keras_iresnet_cli.cli, env=words, prog_name="keras-iresnet").output
    assert "digits_classifier" in found
