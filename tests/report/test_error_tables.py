"""Table 3: figures are those of the kept runs, and each stands beside the paper's network of its kind."""

import json
import pathlib
import shutil

import pytest

from keras_iresnet.report.exhibits.error_tables import BY_COEFF, CLASSIFIERS, ERROR_BY_COEFF, OTHER_CLASSIFIERS
from keras_iresnet.report.recorded_runs import COMMANDS, RECORDED, read_recorded
from keras_iresnet.report.sources import Sources

KEPT = pathlib.Path(__file__).parents[2] / "zoo" / "comparisons" / "digits_classifiers"


def _kept(name):
    """Settings and figures of the run of seed 0 that a recorded one is."""
    folder = KEPT / f"{COMMANDS[name].split()[-1]}-seed0"
    return (json.loads((folder / f"{file}.json").read_text()) for file in ("config", "metrics"))


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_recorded_classifiers_are_the_kept_runs(name):
    config, metrics = _kept(name)
    recorded = read_recorded(RECORDED / name).facts
    (row,) = recorded["rows"]
    assert row == {"model": config["name"], **{key: metrics[key] for key in row if key != "model"}}
    assert len(row) > 4
    assert [recorded[key] for key in ("commit", "machine", "versions")] == [
        config[key] for key in ("package_commit", "machine", "versions")
    ]


def test_each_network_stands_beside_the_papers_of_its_kind():
    shown = {row["here"]: row for row in OTHER_CLASSIFIERS.make(Sources()).tables["Test error in %"]}
    for name, coeff, paper, published in (
        ("iresnet_classifier", 0.9, "c = 0.9, table 2", 6.78),
        ("resnet_classifier", None, "vanilla, table 2", 6.69),
    ):
        config, metrics = _kept(name)
        assert config["builder"]["coeff"] == coeff
        row = shown[CLASSIFIERS[name].title]
        assert (row["in the paper"], row["CIFAR-10, the paper"]) == (paper, published)
        assert row["8x8 digits, here"].startswith(f"{metrics['test_error_percent']:.2f} ± ")
    assert "c = 0.9" in CLASSIFIERS["iresnet_classifier"].title
    assert _normalization("resnet_classifier") in CLASSIFIERS["resnet_classifier"].title


def _normalization(name):
    config, _ = _kept(name)
    return f"{config['builder']['normalization']} normalization"


def test_a_network_that_diverged_is_told_in_table_2(tmp_path):
    shutil.copytree(RECORDED, tmp_path / "recorded")
    file = tmp_path / "recorded" / f"{BY_COEFF}.json"
    facts = json.loads(file.read_text())
    facts["rows"][0] |= {"test_error_percent": None, "test_error_percent_standard_error": None}
    file.write_text(json.dumps(facts))
    table = ERROR_BY_COEFF.make(Sources(recorded=tmp_path / "recorded")).tables["Test error in %"]
    assert table[-1]["vanilla"] == "diverged"
