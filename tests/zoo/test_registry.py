"""Models of a user's own beside those of the package."""

import dataclasses
import json

import pytest

import keras_iresnet as ki
from keras_iresnet.runs import resolve
from keras_iresnet.zoo import registry
from keras_iresnet.zoo.record import RECORDS

RECIPE = ki.zoo.Recipe(dataset="toy/rings", steps=3, batch_size=50, learning_rate=0.01)


@pytest.fixture(autouse=True)
def _registry_of_its_own(monkeypatch):
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))


def rings_flow(*, blocks: int = 2, dataset: str = "toy/rings", seed: int | None = None) -> ki.Flow:
    """A flow of its own.

    Args:
        blocks: how many.
        dataset: whose points.
        seed: of the weights.
    """
    del dataset
    return ki.zoo.toy_flow(blocks=blocks, units=(4,), seed=seed)


def test_a_registered_model_is_known_as_any_other():
    assert ki.zoo.register(RECIPE)(rings_flow) is rings_flow
    assert "rings_flow" in ki.zoo.list()
    entry = ki.zoo.get("rings_flow")
    assert (entry.name, entry.builder, entry.recipe) == ("rings_flow", rings_flow, RECIPE)
    assert (entry.task, entry.record) == ("density", None)


def test_training_knows_a_registered_model(tmp_path):
    ki.zoo.register(RECIPE)(rings_flow)
    settings = resolve("rings_flow", {"blocks": "1", "steps": "2"})
    assert (settings.keywords["blocks"], settings.recipe.steps) == (1, 2)
    assert settings.build().event_shape == (2,)
    with pytest.raises(ValueError, match=r"A field of rings_flow must be one of .*blocks.*Received: units"):
        resolve("rings_flow", {"units": "3"})


def test_its_record_is_read_from_a_folder_of_its_own(tmp_path):
    content = json.loads((RECORDS / "toy_flow.json").read_text()) | {"name": "rings_flow", "parameters": 7}
    (tmp_path / "rings_flow.json").write_text(json.dumps(content))
    ki.zoo.register(RECIPE, records=tmp_path)(rings_flow)
    assert ki.zoo.get("rings_flow").record.parameters == 7


def test_a_name_that_is_taken_is_refused_and_the_first_model_stays():
    def digits_flow():
        """Of another."""

    with pytest.raises(ValueError, match=r"name must be free.*Received: name='digits_flow'"):
        ki.zoo.register(RECIPE)(digits_flow)
    assert ki.zoo.get("digits_flow").builder is ki.zoo.digits_flow


def test_another_task_is_refused():
    with pytest.raises(ValueError, match=r"`task` must be one of density, .*Received: task='regression'"):
        ki.zoo.register(RECIPE, task="regression")


def test_an_argument_without_a_default_is_refused():
    def model(depth, *, blocks=1):
        """Of no use to a command line."""

    with pytest.raises(ValueError, match=r"must have a default. Received: depth of model"):
        ki.zoo.register(RECIPE)(model)
    assert "model" not in ki.zoo.list()


def test_defaults_of_recipe_and_builder_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match=r"`dataset` must have one default.*Received: 'toy/moons' and 'toy/rings'"):
        ki.zoo.register(dataclasses.replace(RECIPE, dataset="toy/moons"))(rings_flow)


def test_every_task_is_one_that_runs_knows():
    from keras_iresnet.runs import tasks

    assert set(registry.TASKS) == set(tasks._TASKS)
