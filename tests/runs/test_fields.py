import dataclasses
import inspect

import pytest

from keras_iresnet import zoo
from keras_iresnet.runs import fields, resolve
from keras_iresnet.runs.field_values import as_text
from keras_iresnet.runs.fields import GROUPS
from keras_iresnet.runs.settings import overridable

CONDITIONAL = {"momentum", "nesterov", "drop_factor", "drop_epochs"}  # which have an effect with some values of others


@pytest.mark.parametrize("name", zoo.list() + zoo.builders())
def test_fields_are_what_resolve_takes_and_their_defaults_can_be_read_back(name):
    found = fields(name)
    assert sorted(field.name for field in found) == sorted(overridable(name))
    settings = resolve(name)
    for field in found:
        held = settings.keywords | vars(settings.reading) | vars(settings.recipe)
        assert held[field.name] == field.default
        if field.name not in CONDITIONAL:
            assert resolve(name, {field.name: as_text(field.default)}).overrides == {field.name: field.default}


@pytest.mark.parametrize("name", zoo.list() + zoo.builders())
def test_defaults_have_the_type_and_are_among_the_choices(name):
    for field in fields(name):
        kinds = (tuple, int) if issubclass(field.type, tuple) else (float, int) if field.type is float else field.type
        assert isinstance(field.default, kinds) or (field.optional and field.default is None), field
        assert field.choices is None or field.default in (*field.choices, *[None] * field.optional), field


@pytest.mark.parametrize("name", ["digits_flow", "digits_classifier", "toy_flow", "hybrid_classifier"])
def test_choices_are_those_that_are_not_refused(name):
    chosen = [field for field in fields(name) if field.choices]
    assert len(chosen) >= 4
    for field in chosen:
        with pytest.raises(ValueError, match=rf"`{field.name}` must be .*Received: {field.name}='no_such'") as refused:
            resolve(name, {field.name: "no_such"}).build()
        told = str(refused.value).partition("Received")[0]
        assert all(choice in told for choice in field.choices), field
        drops = {"drop_epochs": (1,)} if field.name == "decay" else {}
        for choice in field.choices:
            more = drops if choice == "drop" else {}
            assert resolve(name, {field.name: choice, **more}).overrides[field.name] == choice


def test_groups_tell_what_the_builder_takes_from_what_training_reads():
    found = fields("digits_flow")
    by_group = {group: {field.name for field in found if field.group == group} for group in GROUPS}
    recipe = {field.name for field in dataclasses.fields(zoo.Recipe)}
    assert by_group["model"] == set(inspect.signature(zoo.get("digits_flow").builder).parameters) - recipe
    assert {"learning_rate", "decay", "weight_decay"} < by_group["optimisation"]
    assert {"dataset", "batch_size"} < by_group["data"]
    assert {"epochs", "minutes", "seed", "precision"} < by_group["run"]
    assert [field.group for field in found] == sorted((field.group for field in found), key=GROUPS.index)


def test_descriptions_are_those_of_the_docstrings():
    described = {field.name: field.description for name in zoo.list() for field in fields(name)}
    assert described["learning_rate"] == "peak rate."
    assert described["units"].startswith("hidden units of each residual branch")
    assert "see the builder." not in described.values()


def test_an_unknown_model_has_no_fields():
    with pytest.raises(ValueError, match=r"digits_flow, .*Received: name='no_flow'"):
        fields("no_flow")
