"""Released models reach what their cards say: each is evaluated again, by its name."""

import pathlib

import pytest

import keras_iresnet as ki
from keras_iresnet.commands import certify_run, evaluate_run
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.zoo import card

FACTS = {facts["name"]: facts for facts in card.all_facts(pathlib.Path(__file__).parents[2] / "zoo")}


@pytest.mark.slow
@pytest.mark.parametrize("name", FACTS)
def test_a_released_model_reaches_what_its_card_says(name):
    try:
        figures = evaluate_run(name, progress=False)
    except OSError as error:
        pytest.skip(f"its data are not here, set TFDS_DATA_DIR: {error}")
    known = FACTS[name]["figures"]
    for metric in {metric for metric in card.HEADLINES if f"test_{metric}" in known}:
        drawn = [known.get(f"test_{metric}_{part}_standard_error", 0.0) for part in ("dequantization", "probe")]
        # The examples are the same; noise and probes are drawn anew by another version of TensorFlow.
        tolerance = 5 * sum(error**2 for error in drawn) ** 0.5 + 1e-3 * abs(known[f"test_{metric}"])
        assert figures[f"test_{metric}"] == pytest.approx(known[f"test_{metric}"], abs=tolerance)
    assert certify_run(name).invertible == FACTS[name]["certificate"]["certified"]


@pytest.mark.parametrize("name", FACTS)
def test_its_settings_are_those_that_its_card_names(name):
    config, facts = RunFolder.open(name).read_config(), FACTS[name]
    assert (config["name"], config["package_commit"]) == (facts["model"], facts["commit"])
    assert {field: config["data"][field] for field in facts["dataset"]} == facts["dataset"]
    assert config["command"] in facts["commands"]
    assert facts["differs"].items() <= config["overrides"].items()
    assert name in ki.zoo.released()
    assert not {"data_dir", "machine", "project_commit"} & config.keys()
