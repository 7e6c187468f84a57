"""The tables of docs/comparison.md are those that the kept comparisons make."""

import json
import pathlib
import runpy

import pytest

ROOT = pathlib.Path(__file__).parents[1]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "comparison_tables.py"))


def test_tables_are_those_of_what_is_kept():
    text = (ROOT / "docs" / "comparison.md").read_text()
    assert SCRIPT["page"](text) == text, "python scripts/comparison_tables.py writes them"


def test_rivals_by_hand():
    key = "test_bits_per_dim"
    known = {key: 2.0, f"{key}_seed_standard_error": None, f"{key}_example_standard_error": 0.0125}
    rows = [
        {"model": "A", **known, "behind_best": -0.0, "behind_best_standard_error": 0.0, "seeds": 1, "steps": 1200.0}
        | {"parameters": 1000, "learning_rate": 0.004, "train_seconds": 60.7},
        {"model": "B", **dict.fromkeys(known), "behind_best": None, "behind_best_standard_error": None, "seeds": 0}
        | {"parameters": 2000, "steps": None, "learning_rate": None, "train_seconds": None},
    ]
    lines = SCRIPT["_of_rivals"]({"rows": rows}).splitlines()
    assert lines[0] == "| model | bits/dim ± seeds ± examples | behind | seeds | parameters | steps | seconds | rate |"
    assert lines[2] == "| A | 2.000 ± – ± 0.013 | 0.000 ± 0.000 | 1 | 1,000 | 1,200 | 61 | 0.004 |"
    assert lines[3] == "| B | diverged | diverged |  | 2,000 |  |  |  |"


def test_what_models_are_by_hand():
    found = {"layer": "Coupling", "free_form": False, "volume_preserving": True, "likelihood": "biased"}
    found |= {"log_det_error_nats": 0.0971, "log_det_standard_error_nats": 0.0452, "inverse_steps": 190.5}
    rows = [{"model": "A", **found, "forward_passes": 1.0, "inverse_passes": 12.0}, {"model": "B", "layer": None}]
    lines = SCRIPT["_of_kinds"]({"rows": rows}).splitlines()
    assert lines[2:] == ["| A | Coupling | no | yes | biased | 0.1 ± 0.05 | 190.5 | 1 | 12 |"]


def test_runs_are_named_by_their_rows():
    lines = SCRIPT["_of_runs"](ROOT / "zoo" / "comparisons" / "digits_flows").splitlines()
    names = {line.split("|")[1].strip() for line in lines[2:]}
    assert {"`residual`", "`monotone`", "`lipswish`"} <= names


RECIPES = runpy.run_path(str(ROOT / "scripts" / "compare_recipes.py"))


@pytest.mark.parametrize("name", sorted(RECIPES["COMPARISONS"]))
def test_nothing_but_its_minutes_or_steps_ended_a_run_of_a_comparison(name):
    minutes, rows = RECIPES["COMPARISONS"][name]
    for file in (RECIPES["KEPT"] / name).glob("*/config.json"):
        recipe = json.loads(file.read_text())["recipe"]
        took = json.loads(file.with_name("metrics.json").read_text())["steps"]
        assert (recipe["minutes"], recipe["steps"]) in ((minutes, None), (None, took)), file
        assert (recipe["epochs"], recipe["patience"]) == (None, None), file
        assert file.parent.name.partition("-seed")[0] in rows


def test_other_seeds_take_the_steps_of_the_first(tmp_path):
    assert RECIPES["_end"](tmp_path, 5, None) == "--steps none --minutes 5"
    (tmp_path / "metrics.json").write_text(json.dumps({"steps": 77}))
    assert RECIPES["_end"](tmp_path, 5, None) == "--steps 77 --minutes none"
    assert RECIPES["_end"](tmp_path, 5, 8) == "--steps 8 --minutes none"
