import json
import pathlib

import pytest

from keras_iresnet.benchmarks.speed_table import FOLDER, benchmark_table, gpu_table, with_tables

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["README.md", "docs/devices.md"])
def test_a_page_says_what_was_measured(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert with_tables(text) == text, f"run `python -m keras_iresnet.benchmarks.speed_table {name}`"


def test_a_page_without_a_marker_is_refused():
    with pytest.raises(ValueError, match="must have the marker of one of the tables benchmarks, gpu"):
        with_tables("no table")


def test_every_record_says_where_it_comes_from():
    files = list(FOLDER.glob("*/*.json"))
    assert files
    for file in files:
        result = json.loads(file.read_text())
        assert result.get("pairs", 5) >= 5  # what happens once in a process, such as tracing, has none
        assert result["machine"]["cores"] >= 1
        assert len(result["commit"].removesuffix("+modified")) == 40
        assert result["versions"]["tensorflow"]


def result(seconds):
    return {
        "title": "an inverse",
        "pairs": 5,
        "ours_seconds": seconds,
        "ours_seconds_range": [0.2, 0.3],
        "theirs_seconds": 0.5,
        "theirs_seconds_range": [0.4, 0.6],
        "theirs_over_ours": 2.0,
        "theirs_over_ours_range": [1.5, 2.5],
        "facts": {"ours": {"largest_error": 1e-6}, "theirs": {}},
    }


def test_a_line_has_day_median_range_ratio_and_facts_of_the_newest_file(tmp_path):
    for day, seconds in (("2026-11-28", 0.25), ("2026-11-27", 0.75)):
        (tmp_path / day).mkdir()
        (tmp_path / day / "one.json").write_text(json.dumps(result(seconds)))
    _, _, ours, theirs = benchmark_table(tmp_path).splitlines()
    assert ours == "| an inverse (2026-11-28) | ours | 0.25 (0.2 to 0.3) | 1 | largest error 1e-06 |"
    assert theirs == "|  | theirs | 0.5 (0.4 to 0.6) | 2 (1.5 to 2.5) |  |"
    with pytest.raises(FileNotFoundError, match="must hold folders"):
        benchmark_table(tmp_path / "none")


def test_a_line_of_a_gpu_has_what_was_measured_there(tmp_path):
    (tmp_path / "2026-11-28").mkdir()
    told = {
        "batch_size": 8,
        "jit_compile": True,
        "models": {"one": {"step_seconds": 0.0421, "peak_memory_mib": 1234.5}},
    }
    for name, accelerators in (("cpu", []), ("gpu", ["a card"])):
        file = tmp_path / "2026-11-28" / f"{name}.json"
        file.write_text(json.dumps(told | {"machine": {"accelerators": accelerators}}))
    _, _, *lines = gpu_table(tmp_path).splitlines()
    assert lines == ["| one | 8 | a card | yes |  | 42.1 | 1,234 |"]
