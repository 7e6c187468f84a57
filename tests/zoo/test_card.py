"""Cards, records and tables of released models say what metrics.json says."""

import json
import pathlib

import numpy as np
import pytest

import keras_iresnet as ki
from keras_iresnet.models.files.preset import MODEL, RELEASED, file_digest
from keras_iresnet.zoo import card

ROOT = pathlib.Path(__file__).parents[2]
FACTS = {facts["name"]: facts for facts in card.all_facts(ROOT / "zoo")}


def test_every_released_model_has_a_card_and_every_card_its_weights():
    assert sorted(FACTS) == ki.zoo.released()


@pytest.mark.parametrize("name", FACTS)
def test_a_card_is_what_its_metrics_say(name):
    file = ROOT / "zoo" / name / card.CARD
    assert file.read_text() == card.card_text(FACTS[name]), "python -m keras_iresnet.zoo.card zoo writes it"


@pytest.mark.parametrize("name", FACTS)
def test_the_weights_are_those_that_were_measured(name):
    assert file_digest(RELEASED / name / MODEL) == FACTS[name]["sha256"]
    model = ki.zoo.load(name)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)
    assert trainable <= FACTS[name]["parameters"] <= model.count_params()


@pytest.mark.parametrize("name", [name for name in FACTS if FACTS[name]["model"] in ki.zoo.list()])
def test_the_record_has_the_figures_of_the_released_weights(name):
    record = ki.zoo.get(FACTS[name]["model"]).record
    known = {(old.metric, old.dataset, old.commit): old.value for old in record.reached}
    for one in card.reached_by(FACTS[name]):
        assert known[one.metric, one.dataset, one.commit] == one.value


def test_the_table_of_released_models_is_written_from_their_metrics(tmp_path):
    page = tmp_path / card.CARD
    page.write_text((ROOT / "zoo" / card.CARD).read_text())
    for name, facts in FACTS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / card.METRICS).write_text(json.dumps(facts))
    card.rewrite(tmp_path)
    assert page.read_text() == (ROOT / "zoo" / card.CARD).read_text()
    assert all(f"[`{name}`]" in page.read_text() for name in FACTS)


def test_the_wheel_stays_small():
    assert sum(file.stat().st_size for file in RELEASED.rglob("*")) < 25e6
