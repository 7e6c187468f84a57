"""What a run found is kept as it was, small, with where it came from."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from keras_iresnet.report.exhibits import EXHIBITS
from keras_iresnet.report.recorded_runs import COMMANDS, MOST_BYTES, RECORDED, read_recorded, record
from keras_iresnet.studies.study_files import write_study

KEPT = pathlib.Path(__file__).parents[2] / "zoo" / "comparisons" / "digits_classifiers" / "resnet-seed0"


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json")), ids=lambda path: path.stem)
def test_recorded_runs_say_where_they_come_from(path):
    facts = read_recorded(path.with_suffix("")).facts
    assert facts["rows"]
    assert all(command.split()[0] in ("keras-iresnet", "python", "taskset") for command in facts["commands"])
    assert len(facts["commit"].removesuffix("+modified")) == 40
    assert facts["machine"]["cores"] > 0
    arrays = path.with_suffix(".npz")
    assert path.stat().st_size + (arrays.stat().st_size if arrays.is_file() else 0) < 2 * MOST_BYTES


def test_what_exhibits_want_recorded_has_its_command_and_was_made_by_it():
    wanted = {name for exhibit in EXHIBITS for name in exhibit.recorded}
    assert wanted == set(COMMANDS)
    there = {path.stem for path in RECORDED.glob("*.json")} & wanted
    assert there
    assert {name: read_recorded(RECORDED / name).facts["commands"] for name in there} == {
        name: [COMMANDS[name]] for name in there
    }


def test_a_study_comes_back_as_it_was(tmp_path):
    rows = [
        {"model": "a", "coeff": 0.9, "steps": 3, "holds": True, "bound": None},
        {"model": "b", "coeff": None, "steps": 4, "holds": False, "bound": 1e-3},
    ]
    values = np.linspace(0, 1, 7)
    write_study(tmp_path, "x", arrays={"values": values}, rows=rows, picture=lambda path: path.touch())
    file = record(tmp_path / "x.csv", "y", commands=["keras-iresnet figures x"], commit="a" * 40, out=tmp_path)
    assert file == tmp_path / "y.json"
    found = read_recorded(tmp_path / "y")
    assert found.rows == rows
    assert found.arrays["values"].dtype == np.float32
    np.testing.assert_allclose(found.arrays["values"], values, rtol=1e-6)
    assert "keras-iresnet figures x (commit aaaaaaa, " in found.told


def test_settings_and_figures_of_a_run_are_enough_and_say_where_it_ran(tmp_path):
    config, metrics = (json.loads((KEPT / name).read_text()) for name in ("config.json", "metrics.json"))
    del config["sha256"]
    config |= {"machine": {**config["machine"], "cores": 77}, "versions": {"python": "3.0"}}
    config |= {"package_commit": "a" * 40, "started": "2020-02-03T04:05:06+00:00"}
    for name, content in (("config.json", config), ("metrics.json", metrics)):
        (tmp_path / name).write_text(json.dumps(content))
    file = record(tmp_path, "x", commands=["c"], out=tmp_path)
    found = json.loads(file.read_text())
    assert found["rows"][0]["test_error_percent"] == metrics["test_error_percent"]
    assert (found["commit"], found["date"]) == ("a" * 40, "2020-02-03")
    assert (found["machine"], found["versions"]) == (config["machine"], config["versions"])


def test_runs_that_have_not_ended_are_refused(tmp_path):
    shutil.copyfile(KEPT / "config.json", tmp_path / "config.json")
    with pytest.raises(ValueError, match=r"`source` must be a run that has ended\. Received: .*, without figures"):
        record(tmp_path, "x", commands=["c"], out=tmp_path / "kept")
    with pytest.raises(ValueError, match="`run` must be a run folder"):
        record(tmp_path / "nowhere", "x", commands=["c"], out=tmp_path / "kept")


def test_large_arrays_are_refused(tmp_path):
    noise = np.random.default_rng(0).normal(size=MOST_BYTES)
    write_study(tmp_path, "x", arrays={"noise": noise}, rows=[{"a": 1}], picture=lambda path: path.touch())
    with pytest.raises(ValueError, match=r"`source` must have arrays of 300,000 bytes at most\. Received: 1,"):
        record(tmp_path / "x.csv", "x", commands=["c"], out=tmp_path / "kept")


def test_files_without_a_field_are_refused(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({"rows": []}))
    with pytest.raises(ValueError, match=r"x\.json must have commands, .*Received: rows"):
        read_recorded(tmp_path / "x")


@pytest.mark.parametrize("content", ['{"rows": [', "[]"])
def test_files_that_are_damaged_are_named(content, tmp_path):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(ValueError, match=r"x\.json must .*Received: "):
        read_recorded(tmp_path / "x")
