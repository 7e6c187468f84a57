"""`keras-iresnet list`: for people with 80 columns, and for programs."""

import dataclasses
import json

from click.testing import CliRunner

from keras_iresnet import zoo
from keras_iresnet_cli import cli


def _table():
    table, _, _ = _list().partition("\n\n")
    return table.splitlines()


def _list(*options):
    result = CliRunner().invoke(cli, ["list", *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_each_model_has_one_line_of_at_most_80_columns():
    header, *lines = _table()
    assert header.split("  ")[0] == "name"
    assert [line.split()[0] for line in lines] == zoo.list()
    assert max(map(len, [header, *lines])) <= 80


def test_a_line_has_data_set_parameters_and_the_first_figure():
    lines = dict(zip(zoo.list(), _table()[1:], strict=True))
    for name, line in lines.items():
        entry = zoo.get(name)
        assert line.split()[1:3] == [entry.recipe.dataset, f"{entry.record.parameters:,}"]
        reached = str(entry.record.reached[0]) if entry.record.reached else "not trained"
        assert line.endswith(f"  {reached}")
    assert lines["digits_flow"].endswith("2.045 ± 0.011 bits/dim")


def test_models_for_data_of_ones_own_stand_below():
    title, *lines = _list().split("\n\n")[1].splitlines()
    assert title == "For data of your own:"
    assert " ".join(lines).split(", ") == zoo.builders()
    assert {"tabular_flow", "glow", "glow_small", "ffjord_small", "irevnet_classifier"} <= set(zoo.builders())
    assert max(map(len, lines)) <= 80


def test_the_names_of_trained_weights_stand_last():
    title, *lines = _list().split("\n\n")[2].splitlines()
    assert title == "With trained weights, ki.zoo.load(NAME):"
    assert " ".join(lines).split(", ") == zoo.released()


def test_json_holds_all_of_the_records():
    found = json.loads(_list("--json"))
    assert [model["name"] for model in found] == zoo.list()
    for model in found:
        entry = zoo.get(model["name"])
        assert (model.pop("task"), model.pop("dataset")) == (entry.task, entry.recipe.dataset)
        assert set(model.pop("released")) <= set(zoo.released())
        assert model == json.loads(json.dumps(dataclasses.asdict(entry.record)))


def test_a_model_without_a_record_is_listed(monkeypatch):
    monkeypatch.setattr(zoo.registry, "_entries", dict(zoo.registry._entries))

    @zoo.register(zoo.get("toy_flow").recipe)
    def a_flow():
        """Of a user's own."""

    assert _table()[1].split() == ["a_flow", "toy/moons", "not", "trained"]
    known = {"name": "a_flow", "task": "density", "dataset": "toy/moons", "released": []}
    assert json.loads(_list("--json"))[0] == known
