import json

import pytest

from keras_iresnet.runs import resolve
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.state.resume import differing, identity, open_run, settings_of, started_with

OVERRIDES = {"blocks": (2, 1), "epochs": 3}


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path)
    settings = resolve("digits_flow", OVERRIDES)
    run.write_json(run.config, identity(settings) | {"overrides": settings.overrides})
    return run


def test_a_run_goes_on_with_its_own_settings(run):
    settings = settings_of(None, None, run.path, None)
    assert (settings.name, settings.keywords["blocks"], settings.recipe.epochs) == ("digits_flow", (2, 1), 3)
    assert open_run(settings.name, None, run.path).begun


@pytest.mark.parametrize("name", [None, "digits_flow"])
def test_settings_that_agree_may_be_given_again(run, name):
    assert settings_of(name, None, run.path, {"epochs": "3", "blocks": "2,1"}).recipe.epochs == 3


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        (None, {"epochs": 4}, "epochs=4, not 3"),
        ("digits_flow", {"epochs": 4, "blocks": "2,1"}, "epochs=4, not 3"),
        ("digits_flow", None, r"epochs=\w+, not 3; .*blocks=\[.*\], not \[2, 1\]"),
        ("toy_flow", None, "name='toy_flow', not 'digits_flow'"),
    ],
)
def test_other_settings_are_refused(run, name, overrides, message):
    with pytest.raises(ValueError, match=message):
        settings_of(name, None, run.path, overrides)


@pytest.mark.parametrize("name", [None, "digits_flow"])
def test_defaults_that_have_changed_since_stay_those_of_the_run(run, name):
    config = json.loads(run.config.read_text())
    config["recipe"]["learning_rate"] = 0.5
    config["builder"]["activation"] = "elu"
    run.write_json(run.config, config)
    today = resolve("digits_flow")
    assert today.recipe.learning_rate != 0.5
    assert today.keywords["activation"] != "elu"
    found = settings_of(name, None, run.path, OVERRIDES if name else None)
    assert (found.recipe.learning_rate, found.keywords["activation"]) == (0.5, "elu")
    with pytest.raises(ValueError, match=r"learning_rate=0\.1, not 0\.5"):
        settings_of(name, None, run.path, OVERRIDES | {"learning_rate": 0.1})


def test_folders_of_before_the_records_go_on(tmp_path):
    # toy_flow had a keyword `dataset` of no effect, and recipes the number of examples that models want by themselves.
    run = RunFolder(tmp_path)
    settings = resolve("toy_flow", {"dataset": "toy/checkerboard", "blocks": 2})
    config = identity(settings) | {"overrides": settings.overrides}
    config["builder"]["dataset"] = "toy/checkerboard"
    config["recipe"]["initialization_batch"] = 1024
    run.write_json(run.config, config)
    found = settings_of(None, None, run.path, None)
    assert (found.recipe.dataset, found.keywords["blocks"]) == ("toy/checkerboard", 2)
    assert differing(identity(found), config) == []
    with pytest.raises(ValueError, match="dataset='toy/moons', not 'toy/checkerboard'"):
        settings_of("toy_flow", None, run.path, {"blocks": 2})
    with pytest.raises(ValueError, match="initialization_batch=64, not 1024"):
        settings_of(None, None, run.path, {"initialization_batch": 64})


def test_options_are_those_that_the_run_was_started_with(run, tmp_path):
    assert [started_with(resume, "data_dir") for resume in (None, tmp_path / "none", run.path)] == [None] * 3
    run.write_json(run.config, run.read_config() | {"data_dir": "/data", "deterministic": True})
    assert [started_with(run.path, option) for option in ("data_dir", "deterministic")] == ["/data", True]


def test_a_folder_without_a_run_starts_one_where_a_model_is_named(tmp_path):
    settings = settings_of("digits_flow", None, tmp_path / "new", OVERRIDES)
    assert settings.recipe.epochs == 3
    run = open_run("digits_flow", None, tmp_path / "new")
    assert (run.path, run.begun) == (tmp_path / "new", False)


def test_what_names_no_run_or_two_is_refused(run, tmp_path):
    with pytest.raises(ValueError, match=r"`resume` must be the folder of a run. Received: name=None, resume='.*none'"):
        settings_of(None, None, tmp_path / "none", None)
    with pytest.raises(ValueError, match=r"`name` must be a model of the zoo. Received: name=None"):
        settings_of(None, None, None, None)
    for folder in (run.path, tmp_path / "none"):
        with pytest.raises(ValueError, match=r"must go without `out`.*Received: out='x'"):
            settings_of("digits_flow", "x", folder, OVERRIDES)
