"""A finished run becomes a preset with a card."""

import json
import shutil

import numpy as np
import pytest

import keras_iresnet as ki
from keras_iresnet.commands import release_into, release_run
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.runs import RunFolder, train
from keras_iresnet.zoo import card

SMALL = {"epochs": 1, "blocks": (1,), "channels": 4, "strides": (1,)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    train("digits_classifier", out=path, overrides=SMALL, progress=False)
    return path


def test_the_preset_has_the_models_outputs_and_a_card_that_says_what_the_run_reached(run, tmp_path):
    facts = release_run(run, out=tmp_path / "preset", name="small")
    folder = RunFolder.open(run)
    images = np.random.default_rng(0).integers(0, 17, (3, 8, 8, 1)).astype("uint8")
    released = ki.Classifier.from_preset(tmp_path / "preset").predict_proba(images)
    np.testing.assert_allclose(released, folder.load_best().predict_proba(images), rtol=1e-5)
    assert json.loads((tmp_path / "preset" / card.METRICS).read_text()) == facts
    assert (facts["name"], facts["model"], facts["certificate"]["certified"]) == ("small", "digits_classifier", True)
    assert facts["differs"].keys() == {*SMALL}
    assert facts["commands"][0].startswith("keras-iresnet train digits_classifier ")
    assert str(run.parent) not in json.dumps(facts)
    assert facts["figures"]["test_error_percent"] == folder.read_metrics()["test_error_percent"]
    assert 0 <= facts["inverse"]["max_abs_error"] < 1e-3
    text = (tmp_path / "preset" / card.CARD).read_text()
    assert text == card.card_text(facts)
    assert facts["sha256"] in text
    assert str(card.reached_by(facts)[0]) in text


def test_a_checkout_gets_weights_card_and_table_and_its_record_stays_where_sizes_differ(run, tmp_path):
    for part in ("keras_iresnet/released", "keras_iresnet/zoo/records", "zoo"):
        (tmp_path / part).mkdir(parents=True)
    page = "<!-- released: written from the records -->\n<!-- released: end -->\n"
    (tmp_path / "zoo/README.md").write_text(page)
    record = tmp_path / "keras_iresnet/zoo/records/digits_classifier.json"
    shutil.copyfile(ki.zoo.record.RECORDS / record.name, record)
    before = record.read_text()
    for _ in range(2):  # what was released before is replaced
        release_into(run, repository=tmp_path, name="small")
    assert (tmp_path / "keras_iresnet/released/small/model.keras").is_file()
    assert "[`small`](small/README.md)" in (tmp_path / "zoo/README.md").read_text()
    assert record.read_text() == before
    _say_default_sizes(run)
    facts = release_into(run, repository=tmp_path)
    new = ki.zoo.read_record(record).reached[0]
    assert new == card.reached_by(facts)[0]
    assert new.value == pytest.approx(facts["figures"]["test_error_percent"], rel=0.05)


def test_what_is_not_finished_or_not_proved_is_refused_and_leaves_nothing(run, tmp_path, monkeypatch):
    folder = RunFolder.open(run)
    metrics = folder.read_metrics()
    folder.write_json(folder.metrics, {name: value for name, value in metrics.items() if name != "total_seconds"})
    with pytest.raises(ValueError, match="`run` must have ended"):
        release_run(run, out=tmp_path / "preset")
    folder.write_json(folder.metrics, metrics)
    monkeypatch.setattr(SpectralLayer, "converge", lambda self: None)  # or saving would mend the estimates
    model = folder.load_best()
    for layer in model._flatten_layers():
        if isinstance(layer, SpectralLayer) and layer.coeff is not None:
            layer.kernel.assign(9 * layer.kernel)
            layer.u.assign(0.5 * layer.u)
    best = folder.best.read_bytes()
    try:
        folder.save(folder.best, model)
        with pytest.raises(ValueError, match="`run` must have a model whose certificate holds"):
            release_run(run, out=tmp_path / "preset")
    finally:
        folder.best.write_bytes(best)
    assert not (tmp_path / "preset").exists()


def _say_default_sizes(run):
    folder = RunFolder.open(run)
    config = folder.read_config()
    folder.write_json(folder.config, config | {"overrides": {"epochs": 1}})
