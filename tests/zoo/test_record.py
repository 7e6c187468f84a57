"""Records: what each model reached and what was published, as files that ship with the package."""

import json
import pathlib
import re
import shlex

import pytest

import keras_iresnet as ki
from keras_iresnet import data
from keras_iresnet.zoo.record import RECORDS, Published, Reached, read_record
from keras_iresnet_cli import cli

FILES = sorted(RECORDS.glob("*.json"))
FIGURES = [
    pytest.param(figure, id=f"{file.stem}-{figure.dataset}-{figure.metric}-{figure.examples}")
    for file in FILES
    for figure in read_record(file).reached
]


def test_every_model_has_a_record_and_no_record_is_without_a_model():
    shipped = {name for name in ki.zoo.list() if ki.zoo.get(name).builder.__module__.startswith("keras_iresnet.")}
    assert shipped == {file.stem for file in FILES}
    for name in shipped:
        assert ki.zoo.get(name).record == read_record(RECORDS / f"{name}.json")


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_says_by_what_commands_it_was_obtained(figure):
    assert figure.commands
    for command in figure.commands:
        program, *words = shlex.split(command)
        assert program == "keras-iresnet"
        found, context = cli, None
        while hasattr(found, "commands"):
            context = found.make_context(found.name, words[:1], parent=context, resilient_parsing=True)
            name, *words = words
            found = found.commands[name]
        found.make_context(name, words, parent=context)  # refuses options that it does not have


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_says_on_what_and_where(figure):
    assert figure.dataset in data.names()
    assert figure.split == "test"
    assert figure.examples >= 1
    assert re.fullmatch(r"[0-9a-f]{7,40}", figure.commit)
    assert figure.machine


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_records_figures_have_the_units_of_their_metrics(file):
    units = {"bits_per_dim": "bits/dim", "error_percent": "% error", "log_likelihood_nats": "nats"}
    record = read_record(file)
    for figure in (*record.reached, *record.published):
        assert figure.unit == units.get(figure.metric)
        assert figure.metric in units or figure.metric.startswith("reconstruction_")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"value": 2.055, "standard_error": 0.011, "unit": "bits/dim"}, "2.055 ± 0.011 bits/dim"),
        ({"value": 2.255, "standard_error": 0.01, "unit": "bits/dim"}, "2.255 ± 0.010 bits/dim"),
        ({"value": 0.6, "standard_error": 0.08, "unit": "% error"}, "0.60 ± 0.08 % error"),
        ({"value": -3.609, "standard_error": 0.002, "unit": "nats"}, "-3.609 ± 0.002 nats"),
        ({"value": 3.0, "standard_error": 2.0, "unit": "nats"}, "3 ± 2 nats"),
        ({"value": 2.3e-7, "unit": None}, "2.3e-07"),
    ],
)
def test_a_figure_is_shown_with_its_error_to_the_same_decimal(options, text):
    assert str(Reached(metric="some", **options)) == text


def test_a_published_figure_is_shown_as_it_was_printed():
    assert str(Published(metric="error_percent", value=0.4, unit="% error")) == "0.40 % error"
    assert str(Published(metric="bits_per_dim", value=3.456, unit="bits/dim")) == "3.456 bits/dim"


@pytest.fixture
def content():
    return json.loads((RECORDS / "digits_flow.json").read_text())


def _change(content, path, value):
    *above, last = path
    for key in above:
        content = content[key]
    content[last] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("parameters",), "many", r"`parameters` must be an integer. Received: 'many'"),
        (("parameters",), True, r"`parameters` must be an integer. Received: True"),
        (("parameters",), 0, r"`parameters` must be at least 1. Received: parameters=0"),
        (("name",), "toy_flow", r"`name` must be that of the file, digits_flow. Received: name='toy_flow'"),
        (("reference",), 3, r"`reference` must be text or null. Received: 3"),
        (("reached",), {}, r"`reached` must be a list. Received: \{\}"),
        (("reached", 0), 2.055, r"`reached`\[0\] must be an object. Received: 2.055"),
        (("reached", 0, "value"), None, r"`reached`\[0\]: `value` must be a number. Received: None"),
        (("reached", 0, "steps"), 1.5, r"`reached`\[0\]: `steps` must be an integer or null. Received: 1.5"),
        (("reached", 0, "commands"), [1], r"`commands`\[0\] must be text. Received: 1"),
        (("reached", 0, "yardstick", "of"), None, r"`yardstick`: `of` must be text. Received: None"),
        (
            ("reached", 0, "minuts"),
            3,
            r"`reached`\[0\] must be an object with the fields .*minutes.*Received: .*'minuts'",
        ),
    ],
)
def test_a_file_that_is_no_record_is_refused_by_name(path, value, message, content, tmp_path):
    file = tmp_path / "digits_flow.json"
    _change(content, path, value)
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=re.escape(str(file)) + ".*" + message):
        read_record(file)


def test_a_field_that_is_left_out_is_missed(content, tmp_path):
    del content["reached"][0]["commit"]
    file = tmp_path / "digits_flow.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"digits_flow\.json.*the fields .*commit"):
        read_record(file)


def test_what_is_no_json_is_refused_by_name(tmp_path):
    file = pathlib.Path(tmp_path / "digits_flow.json")
    file.write_text('{"name": ')
    with pytest.raises(ValueError, match=re.escape(str(file)) + " must hold JSON"):
        read_record(file)
